import type { RuntimeEvent } from 'millrace'
import type { Digest } from './big-state.ts'

/** What a program that restores is told when it is started. */
export interface RestoreConfig {
  readonly brokers: string
  readonly applicationId: string
  readonly topics: { readonly big: string; readonly small: string; readonly output: string }
  readonly stateDir: string
  readonly maxPollIntervalMs: number
  /** Kills itself when it has written so many changes to the big store. */
  readonly killAfter?: number | undefined
  /** The big store takes nothing more after its first write until it is asked to go on. */
  readonly hold?: boolean | undefined
  /** How much the client reads ahead, about. Default: the transport's. */
  readonly readAheadKilobytes?: number | undefined
}

export type RestoreRequest = { readonly id: number; readonly ask: 'digest' | 'sample' | 'go-on' | 'close' }

export interface RestoreAnswer {
  readonly digest?: Digest | undefined
  readonly sample?: readonly (string | null)[] | undefined
}

export type RestoreMessage =
  | { readonly type: 'event'; readonly event: RuntimeEvent }
  | { readonly type: 'log'; readonly line: Readonly<Record<string, unknown>> }
  | { readonly type: 'held' }
  | { readonly type: 'restored'; readonly highestRssBytes: number; readonly longestTurnMs: number }
  | { readonly type: 'answer'; readonly id: number; readonly answer: RestoreAnswer }
