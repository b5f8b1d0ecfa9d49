import type { AppState } from '../app/app-state.ts'
import type { BatchingChange } from '../batch/batch-options.ts'
import type { BatchPolicy } from '../batch/batch-policy.ts'
import type { BatchTrigger } from '../batch/batch-trigger.ts'
import type { ProcessingGuarantee } from '../commit/processing-guarantee.ts'
import type { FailedRecord } from '../failure/failure-options.ts'
import type { FlushEvent, PassEndedEvent, PassStartedEvent } from './pass-events.ts'

/** A pass went through one node. */
export interface BatchEvent {
  readonly type: 'batch'
  readonly stage: 'source' | 'process' | 'sink'
  readonly node: string
  readonly task: string
  readonly topic: string
  readonly partition: number
  /** Records that went into the node. */
  readonly records: number
  /** Serialised bytes: read at a source, written at a sink; 0 at processors. */
  readonly bytes: number
  readonly trigger: BatchTrigger
  readonly durationMs: number
  /** Of a node with several parents: how many come from each that forwarded some. */
  readonly from?: readonly { readonly node: string; readonly records: number }[] | undefined
}

/** A batch was cut and handed to its task. */
export interface CutEvent {
  readonly type: 'cut'
  readonly stage: 'batch'
  readonly task: string
  readonly topic: string
  readonly partition: number
  readonly records: number
  /** Serialised bytes of keys and values. */
  readonly bytes: number
  readonly trigger: BatchTrigger
  /** From the arrival of its first record. */
  readonly ageMs: number
}

/** `updateBatching` of an application or a batcher was called: from the next batch on these policies hold. */
export interface BatchingEvent {
  readonly type: 'batching'
  readonly stage: 'batch'
  readonly change: BatchingChange
  /** Of every topic that the change concerns, as far as topics are known; of a batcher, by its name. */
  readonly policies: readonly { readonly topic: string; readonly policy: BatchPolicy }[]
}

/** One commit, confirmed. */
export interface CommitEvent {
  readonly type: 'commit'
  readonly stage: 'commit'
  readonly reason: 'interval' | 'records' | 'bytes' | 'request' | 'revoke' | 'drain'
  /** Tasks that had something to commit. */
  readonly tasks: number
  readonly partitions: number
  /** Records whose offsets this commit covers. */
  readonly records: number
  readonly changelogRecords: number
  readonly durationMs: number
}

/**
 * What was done since the last confirmed commit is given up, and is processed again: a commit failed, or was not confirmed, or was given up, or the writer
 * failed before. Under exactly-once that is the open transaction, which is aborted: nothing of it is ever seen. If only the answer of a commit was lost it
 * may have taken effect: then it is not processed again. Told once for each writer that is given up, beside the `recover` that follows or came before.
 */
export interface AbortEvent {
  readonly type: 'abort'
  readonly stage: 'commit'
  readonly processingGuarantee: ProcessingGuarantee
  /** All that the process had then: one transaction has what all of them did. */
  readonly tasks: readonly string[]
  /** What made it necessary. */
  readonly error: Error
  /** Since the last confirmed commit, or since the writer was opened: under exactly-once, how long the transaction was open. */
  readonly durationMs: number
}

/** State is read back from a changelog. What is interrupted or has failed goes on, or begins again, with another `started`. */
export interface RestoreEvent {
  readonly type: 'restore'
  readonly stage: 'store'
  readonly task: string
  readonly store: string
  /** The changelog. */
  readonly topic: string
  readonly partition: number
  /** `progress` is told once a second at most. */
  readonly phase: 'started' | 'progress' | 'completed' | 'interrupted' | 'failed'
  /** The first offset to be read. */
  readonly from: number
  /** Where it ends: the offset after the last one to be read. */
  readonly to: number
  /** Records that are in the local store now, of those read since it began. */
  readonly restoredRecords: number
  /** At most so many are missing; 0 when completed. */
  readonly remainingRecords: number
  /** Since it began. */
  readonly durationMs: number
  /** Why it failed. */
  readonly error?: unknown
}

/** State of a task that is elsewhere is kept up to date here (`hotStandby`). */
export interface StandbyEvent {
  readonly type: 'standby'
  readonly stage: 'store'
  readonly task: string
  readonly store: string
  /** The changelog. */
  readonly topic: string
  readonly partition: number
  /**
   * `progress` is told twice a minute at most; `caught-up` once for each `started`: when all is there that was in the changelog at the start; `handed-over`: the
   * task has come to this process; `stopped`: the application ends. What has failed begins again with another `started`.
   */
  readonly phase: 'started' | 'progress' | 'caught-up' | 'handed-over' | 'stopped' | 'failed'
  /** The local store has its changelog's records below it. */
  readonly position: number
  /** Where the changelog ended when that was last looked up. */
  readonly end: number
  /** At most so many were missing then. */
  readonly remainingRecords: number
  /** Records that were written to the local store since it began. */
  readonly writtenRecords: number
  /** Why it failed. */
  readonly error?: unknown
}

/** A batch failed; what is left of it is tried again after a wait, while other partitions go on. */
export interface RetryEvent {
  readonly type: 'retry'
  readonly stage: 'process'
  readonly task: string
  readonly topic: string
  readonly partition: number
  /** Records of the batch that are not done. */
  readonly records: number
  /** 1 for the first retry. */
  readonly retry: number
  readonly delayMs: number
  readonly error: unknown
}

/** A record failed for good, and its policy let the application go on. */
export interface FailureEvent {
  readonly type: 'failure'
  /** `source`: it could not be decoded; `sink`: what came of it could not be encoded or delivered. */
  readonly stage: 'source' | 'process' | 'sink'
  readonly policy: 'skip' | 'dead-letter'
  readonly node: string
  readonly task: string
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** How often it was tried. */
  readonly attempts: number
  readonly error: unknown
  /** As it was read. Absent: it is an item of a batcher. */
  readonly record?: Pick<FailedRecord, 'key' | 'value' | 'headers' | 'timestamp'>
}

/** The state of a circuit breaker: `open`, its partition waits; `half-open`, one batch is tried. */
export type CircuitState = 'closed' | 'open' | 'half-open'

/** The circuit breaker of a node, for one task, changed its state. */
export interface CircuitEvent {
  readonly type: 'circuit'
  readonly stage: 'process'
  readonly task: string
  readonly node: string
  readonly from: CircuitState
  readonly to: CircuitState
}

/** Tasks were closed and made anew after a failure. */
export interface RecoverEvent {
  readonly type: 'recover'
  readonly stage: 'commit' | 'process' | 'sink' | 'store' | 'source'
  readonly tasks: readonly string[]
  readonly error: Error
}

/** Tasks were made (`assigned`), given up after a last commit (`revoked`), or dropped without one (`lost`). */
export interface AssignmentEvent {
  readonly type: 'assigned' | 'revoked' | 'lost'
  readonly stage: 'source'
  readonly tasks: readonly string[]
}

/** The application changed its state. */
export interface StateEvent {
  readonly type: 'state'
  readonly stage: 'source'
  readonly from: AppState
  readonly to: AppState
}

/** One of an application's worker threads (`threads`) has begun, or died. */
export interface ThreadEvent {
  readonly type: 'thread'
  readonly stage: 'process'
  /** From 1; who takes the place of another has its number. */
  readonly thread: number
  /** `started`: it has loaded the application and processes; `died`: what it had not committed is processed again. */
  readonly phase: 'started' | 'died'
  /** Why it died. */
  readonly error?: Error | undefined
}

/** Everything an observer is told; `type` tells them apart. */
export type RuntimeEvent =
  | BatchEvent
  | CutEvent
  | PassStartedEvent
  | PassEndedEvent
  | FlushEvent
  | BatchingEvent
  | CommitEvent
  | AbortEvent
  | RetryEvent
  | FailureEvent
  | CircuitEvent
  | RestoreEvent
  | StandbyEvent
  | RecoverEvent
  | AssignmentEvent
  | StateEvent
  | ThreadEvent

/** Told everything that happens, as it happens, on the engine's thread: be quick. Not awaited. What it throws or rejects with is logged and dropped. */
export type Observer = (event: RuntimeEvent) => void
