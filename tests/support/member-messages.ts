import type { ProcessingGuarantee, RuntimeEvent } from 'millrace'
import type { Step } from './steps.ts'

/** What a member of a group is told when it is started. */
export interface MemberConfig {
  readonly brokers: string
  readonly applicationId: string
  readonly topics: { readonly input: string; readonly output: string }
  readonly stateDir: string
  /** Default: that of the run. */
  readonly client?: 'confluent' | 'packed' | undefined
  readonly groupProtocol: 'classic' | 'consumer'
  readonly sessionTimeoutMs: number
  /** Default: at least once. */
  readonly processingGuarantee?: ProcessingGuarantee | undefined
  /** Of records that can't be sent. Default: the transport's. */
  readonly deliveryTimeoutMs?: number | undefined
  /** How long records wait for others before they are sent, unless they are flushed. Default: the transport's. */
  readonly lingerMs?: number | undefined
  /** Default: false. */
  readonly hotStandby?: boolean | { readonly replicas: number } | undefined
  /** What its counts are kept in. Default: `leveldb`. */
  readonly backend?: 'leveldb' | 'memory' | undefined
  /** False: its counts have none. */
  readonly changelog?: false | undefined
  readonly batchSize: number
  readonly commitIntervalMs: number
  /** Sends itself a signal when it first comes to a step after so many commits of offsets. */
  readonly signalAt?: { readonly step: Step; readonly afterCommits: number; readonly signal: 'SIGKILL' | 'SIGSTOP' } | undefined
}

/**
 * Written by a member with its state here when it sends itself a signal. A file, since of a process that stands still nothing comes over its channel, not even
 * all that it had to say before.
 */
export function signalledFile(stateDir: string): string {
  return `${stateDir}.signalled`
}

export type MemberRequest = { readonly id: number; readonly ask: 'caughtUp' | 'close' }

export type MemberMessage =
  | { readonly type: 'event'; readonly event: RuntimeEvent }
  /** Its application has stopped; the process ends. */
  | { readonly type: 'failed'; readonly code: string; readonly message: string }
  | { readonly type: 'answer'; readonly id: number; readonly error?: string | undefined }
