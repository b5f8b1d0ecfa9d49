import type { Settings } from '../command-line/settings.ts'

export interface WorkerConfig extends Pick<Settings, 'guarantee' | 'groupProtocol' | 'client'> {
  readonly brokers: string
  readonly applicationId: string
  readonly topics: { readonly input: string; readonly output: string }
  readonly stateDir: string
  readonly sessionTimeoutMs: number
}

/** A worker ends with it that could not start because no broker answered: whoever watches it starts it again. */
export const NO_BROKER = 75

/** A worker ends with it that was closed and whose last commit was not confirmed in time: what it had processed since the commit before is processed again. */
export const NOT_COMMITTED = 74

/** `close` is answered by the end of the process. */
export type WorkerRequest = 'close' | 'caught-up' | 'state'

export type WorkerMessage =
  /** It has been given so many tasks. */
  | { readonly type: 'assigned'; readonly tasks: number }
  | { readonly type: 'restored'; readonly records: number }
  | { readonly type: 'recovered'; readonly error: string }
  | {
      readonly type: 'answer'
      readonly to: WorkerRequest
      readonly state?: readonly (readonly [string, number])[]
      readonly error?: string
    }
