import type { BatchTrigger } from '../batch/batch-trigger.ts'

interface PassIdentity {
  readonly stage: 'process'
  readonly task: string
  /** The source. */
  readonly node: string
  readonly topic: string
  readonly partition: number
  /** All records of it. */
  readonly records: number
  /** Offsets of the first record and of the last. */
  readonly firstOffset: number
  readonly lastOffset: number
  /** Batches that are processed at once in it; 0: it goes on with a batch that was cut, since it gathered too much output. */
  readonly batches: number
  readonly trigger: BatchTrigger
}

/** A pass begins: a batch, or several at once, goes through the nodes of its task. A `pass-ended` follows, whatever happens. */
export interface PassStartedEvent extends PassIdentity {
  readonly type: 'pass-started'
}

/** A pass is over. */
export interface PassEndedEvent extends PassIdentity {
  readonly type: 'pass-ended'
  /**
   * `done`: each record is done or was given up; `cut`: it gathered too much output, and goes on in smaller passes; `handed-back`: the task ends before
   * it is done; `failed`: the task fails, or the application.
   */
  readonly outcome: 'done' | 'cut' | 'handed-back' | 'failed'
  /** Its first records that are done, or were given up. */
  readonly done: number
  /** Of those, the ones that were skipped or became dead letters. */
  readonly givenUp: number
  /** How often it was tried again. */
  readonly retries: number
  /** Waits for retries and circuit breakers are not in it. */
  readonly durationMs: number
  readonly waitedMs: number
  /** Records of the partition that wait now. */
  readonly waitingRecords: number
  /** Why it failed. */
  readonly error?: unknown
}

/** A commit has waited until everything that was written was acknowledged. */
export interface FlushEvent {
  readonly type: 'flush'
  readonly stage: 'sink'
  readonly durationMs: number
}
