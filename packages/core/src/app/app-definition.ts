import type { AppBatchOptions } from '../batch/batch-options.ts'
import type { ProcessingGuarantee } from '../commit/processing-guarantee.ts'
import type { FailureOptions } from '../failure/failure-options.ts'
import type { Clock } from '../observe/clock.ts'
import type { Logger } from '../observe/logger.ts'
import type { Observer } from '../observe/observer.ts'
import type { PassTracer } from '../observe/pass-tracer.ts'
import type { Topology } from '../topology/topology.ts'
import type { Transport } from '../transport/transport.ts'
import type { ThreadOptions } from './thread-options.ts'

/** When offsets, output and state are committed: whichever comes first, besides a processor's request, a revoke and the shutdown. */
export interface CommitOptions {
  /** Milliseconds between commits. Default: 1,000 (`at-least-once`), 100 (`exactly-once`). */
  readonly intervalMs?: number | undefined
  /** Records processed since the last commit. Default: no limit. */
  readonly records?: number | undefined
  /** Bytes that changes of state since the last commit take in memory, in any one task; with twice as much its passes wait. Default: 64 MiB. */
  readonly maxUncommittedBytes?: number | undefined
}

/** Bounds on what is held in memory. */
export interface BufferOptions {
  /** Records read but not yet processed, over all partitions. Default: 100,000. */
  readonly maxRecords?: number | undefined
  /** Serialised bytes read but not yet processed, over all partitions. Default: 32 MiB. */
  readonly maxBytes?: number | undefined
  /** Serialised bytes of output that waits for the writer, or that one pass may gather before it is cut in half. Default: 32 MiB. */
  readonly maxOutputBytes?: number | undefined
}

/** What may be done at the same time. Nodes may say otherwise for themselves. */
export interface ConcurrencyOptions {
  /** Records of one batch that a node processes at once, at most, where it may do so. From 1 to 10,000. Default: 10. */
  readonly maxConcurrency?: number | undefined
  /**
   * Whether single-record processors process the records of a batch side by side, and their output is put back in offset order. Not those with
   * stores, nor those with `processBatch`. Default: false.
   */
  readonly asyncBatch?: boolean | undefined
  /**
   * Batches of one partition that are processed at once, at most, where the first node behind their source may do that: one without stores whose ordering is
   * `key` or `unordered`. All others take one at a time. From 1 to 1,000. Default: 3.
   */
  readonly maxInFlightBatches?: number | undefined
}

/** What is kept on local disk. */
export interface StateOptions {
  /** How long local state of a task that has moved to another process is kept here, in milliseconds. Default: 600,000. */
  readonly cleanupDelayMs?: number | undefined
}

/** How many processes keep the state of a task that another has. */
export interface HotStandbyOptions {
  /** For each task; at least 1. Fewer where there are not so many processes. */
  readonly replicas: number
}

/** An application: inert until `start`, so that the command line, a worker or a test can load the same module. */
export interface AppDefinition {
  readonly topology: Topology
  /** Names the consumer group, internal topics and the state folder. Letters, digits, '.', '_', '-'. */
  readonly applicationId: string
  readonly transport: Transport
  /** Folder for local state. Default: `./state`. */
  readonly stateDir?: string | undefined
  /** How long what is there is kept. */
  readonly state?: StateOptions | undefined
  /**
   * Whether this process follows the changelogs of all tasks that it has not got, into stores of its own, so that it takes one over by reading no more than
   * what has just been written. Costs the disk (or memory) and the reading of all state in each process. `{ replicas }`: each task is followed by so many processes
   * besides its own, which the transport's assignor chooses among those that have this option; with a transport whose assignor places none, by all. Default: false.
   */
  readonly hotStandby?: boolean | HotStandbyOptions | undefined
  /**
   * Worker threads that the tasks are spread over, each with a consumer, stores and a writer of its own: as many as `count` says. A number alone where who starts
   * the application knows its module, as `millrace run` does. Default: 1, the thread that started it processes.
   */
  readonly threads?: number | ThreadOptions | undefined
  /** Default: `at-least-once`. */
  readonly processingGuarantee?: ProcessingGuarantee | undefined
  /**
   * Under `exactly-once`, how long a transaction may stay open before the broker aborts it, in milliseconds: how long others wait for what a process that was
   * killed has left open. At least twice `commit.intervalMs`. From 1,000 to 120,000. Default: 10,000.
   */
  readonly transactionTimeoutMs?: number | undefined
  /** When batches are cut; sources and topics may differ. Environment variables count more. Default: {@link DEFAULT_BATCH_POLICY}. */
  readonly batch?: AppBatchOptions | undefined
  /** What is done when records fail: retries, policies, dead letters. Default: the application stops at a record that fails for good. */
  readonly failure?: FailureOptions | undefined
  /** When commits are made. Shorter intervals repeat less after a kill and cost more. */
  readonly commit?: CommitOptions | undefined
  /** Bounds on what waits in memory; at a bound, reading stops. */
  readonly buffer?: BufferOptions | undefined
  /** How many records a node processes at once. */
  readonly concurrency?: ConcurrencyOptions | undefined
  /** Memory for committed state kept decoded or as bytes above each store, for each task. Default: 16 MiB. */
  readonly stateCacheBytes?: number | undefined
  /**
   * How long a revoke, or the shutdown, waits for the pass under way, and then for the last commit, each in milliseconds. Default: 30,000; less than half
   * of the client's `max.poll.interval.ms`.
   */
  readonly revokeTimeoutMs?: number | undefined
  /**
   * How long a task waits for a partition that has nothing to read but may be behind, before it takes records of its other partitions.
   * -1: never waits; 0 (default): waits while the partition is known or assumed to have more; above 0: waits that long even at its end.
   */
  readonly maxTaskIdleMs?: number | undefined
  /** Drain and stop on SIGINT and SIGTERM. Default: false. */
  readonly handleSignals?: boolean | undefined
  /** Default: a pino logger on standard error, level `info`. */
  readonly logger?: Logger | undefined
  /** Told everything that happens. */
  readonly observer?: Observer | undefined
  /** Follows passes, and may add headers to what comes of them, such as a trace's context. */
  readonly tracer?: PassTracer | undefined
  /**
   * `host:port` at which others can ask this process for its state: it is part of the client id, so that all members of the group know it. A function is
   * asked when the application runs. Default: none.
   */
  readonly advertisedAddress?: string | (() => string | undefined) | undefined
  /** Default: the system's. */
  readonly clock?: Clock | undefined
  /** How often records of repartition topics that are processed are deleted, in milliseconds. Default: 30,000. */
  readonly repartitionPurgeIntervalMs?: number | undefined
  /** Replicas of internal topics. Default: the broker's. */
  readonly replicationFactor?: number | undefined
}

/** Checks nothing and starts nothing: it types the definition and freezes it. */
export function defineApp(definition: AppDefinition): AppDefinition {
  return Object.freeze({ ...definition })
}
