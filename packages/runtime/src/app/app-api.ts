import type {
  AppHealth,
  AppState,
  BatchingChange,
  GroupDescription,
  KeyLocation,
  PartitionLag,
  ReadOnlyOf,
  StoreDefinition,
  StoreSize,
} from '@millrace/core'
import type { QueryOptions } from './query.ts'

/** A running topology: what `start` gives. However many threads it is spread over, it is one. */
export interface App extends AsyncDisposable {
  readonly state: AppState
  /** Looks at what costs a question: lag, sizes of stores, who has a key. */
  readonly inspect: AppInspector
  /** Calls `listener` at every change of state; returns how to stop that. */
  onStateChange(listener: StateListener): () => void
  /** Processes until `close` (or a signal, if `handleSignals`): resolves after the drain, rejects with what made it impossible to go on. */
  run(): Promise<void>
  /** Finishes what was begun, flushes the last partial batches, commits, and releases everything. Rejects if the application failed. */
  close(): Promise<void>
  /** Resolves once everything that is in the inputs now has been processed and committed, through repartition topics too. Rejects if the application ends before. */
  caughtUp(): Promise<void>
  /** Resolves at a moment when every assigned task runs and none has anything to do: what has been read is processed. Rejects if the application ends before. */
  idle(): Promise<void>
  /** Commits everything that passes have finished so far. */
  commit(): Promise<void>
  /** How it is at this moment; of worker threads, how they were when they last told, which they do twice a second. */
  health(): AppHealth
  /**
   * Changes batch options while the application runs, for all topics or for those that `source` and `topic` name. What was changed before and is not
   * named stays. From the next batch on: an open batch that is over a new limit is cut at once. Throws a `TypeError` that lists everything that is
   * wrong, and then changes nothing.
   */
  updateBatching(change: BatchingChange): void
  /** Committed state of this process's tasks. Throws for a store that the topology has not got. */
  store<S>(store: StoreDefinition<S>, options?: QueryOptions): ReadOnlyOf<S>
  /**
   * Deletes all local state of this process: the next run restores it from the changelogs. Only before `run` or after the end: rejects with a
   * `TypeError` in between, and with `STATE_FOLDER` if the folder can't be written, or is another process's by now.
   */
  cleanUp(): Promise<void>
}

/** Is told every change of an application's state. */
export type StateListener = (to: AppState, from: AppState) => void

/** Answers about a running application that have to be asked for. It reads, and changes nothing. */
export interface AppInspector {
  /** How far each partition of this process is behind the end of its topic, if that still exists. Rejects as the transport does when nobody answers. */
  lag(): Promise<readonly PartitionLag[]>
  /** What the stores of this process hold. */
  stores(): Promise<readonly StoreSize[]>
  /** The members of the application's group. Rejects with `NOT_SUPPORTED` where the transport can't tell. */
  group(): Promise<GroupDescription>
  /**
   * Who has a key of a store, if records reach its task by their key, as Kafka's default partitioner spreads them. Throws what the serde of the key does,
   * and a `STORE_UNKNOWN`. The group is only asked if that is not this process.
   */
  locate(store: string, key: unknown): Promise<KeyLocation>
}
