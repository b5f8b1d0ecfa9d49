import type { AppState } from '../app/app-state.ts'
import type { CircuitState } from './observer.ts'

/** The states of a task, as in Kafka Streams (`suspended` is our `finishing`: no more records, not yet committed). */
export type TaskState = 'created' | 'restoring' | 'running' | 'finishing' | 'closed'

/** A partition of a task. */
export interface PartitionHealth {
  readonly topic: string
  readonly partition: number
  /** The offset of the next record to be processed. */
  readonly position: number
  /** Records read and not yet processed. */
  readonly waitingRecords: number
  /** When the first of them arrived, milliseconds since the epoch; undefined: none waits. */
  readonly waitingSince: number | undefined
  /** How many records a batch may have now: of policies that adapt, what they have come to. */
  readonly batchSize: number
  /** How long the first record of a batch may wait until it is cut. */
  readonly batchTimeoutMs: number
}

/** A pass under way. */
export interface PassHealth {
  readonly topic: string
  readonly partition: number
  /** Waits for retries are not in it. */
  readonly runningMs: number
  readonly records: number
  /** Batches that are processed at once. */
  readonly batches: number
  /** How often it was tried again. */
  readonly retries: number
}

/** One task of this process. */
export interface TaskHealth {
  /** `<sub-topology>_<partition>`. */
  readonly task: string
  readonly state: TaskState
  readonly partitions: readonly PartitionHealth[]
  /** Records read and not yet processed. */
  readonly waitingRecords: number
  /** The same in serialised bytes. */
  readonly waitingBytes: number
  /** What it waits for before it goes on: a retry, or a commit that makes room. */
  readonly waitsFor: 'retry' | 'commit' | undefined
  /** Undefined: none is under way. */
  readonly pass: PassHealth | undefined
  /** Changes of state that wait for a commit, in bytes of memory. */
  readonly uncommittedBytes: number
  /** Circuit breakers that are not closed, by node. */
  readonly circuits: Readonly<Record<string, CircuitState>>
}

/** One worker thread of an application (`threads`). */
export interface ThreadHealth {
  /** From 1. */
  readonly thread: number
  /** That of its part of the application; `died` until another has taken its place. */
  readonly state: AppState | 'died'
  /** Ids of its tasks. */
  readonly tasks: readonly string[]
  /** How long ago it last told how it is, in milliseconds: it can't while a processor keeps it busy. */
  readonly silentMs: number
  /** How many before it have died. */
  readonly replaced: number
  /** The share of the last 5 to 10 seconds in which it was busy, from 0 to 1; of all the time since somebody looked, where that is longer. */
  readonly utilization: number
}

/** How an application is, for a health check or an operator. */
export interface AppHealth {
  readonly state: AppState
  /** It processes, or is about to: false once it has failed or ended, and while a circuit breaker is open. */
  readonly healthy: boolean
  /** Why it failed. */
  readonly error: unknown
  readonly tasks: readonly TaskHealth[]
  /** Circuit breakers of sinks outside of the log that are not closed: by node, and by what they are of, such as a table. */
  readonly sinks: Readonly<Record<string, Readonly<Record<string, CircuitState>>>>
  /** Of an application that is spread over worker threads. */
  readonly threads?: readonly ThreadHealth[] | undefined
}
