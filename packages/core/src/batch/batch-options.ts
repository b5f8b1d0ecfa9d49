/**
 * Which limits cut a batch unless others are given: `immediate`: one record; `size`, `time`, `bytes`: that one; `hybrid`: these three, whichever
 * is reached first; `memory`: only the memory it takes; `adaptive`: as `hybrid`, with a size that finds itself.
 */
export type BatchStrategy = 'immediate' | 'size' | 'time' | 'bytes' | 'hybrid' | 'memory' | 'adaptive'

/** Values for `size`, `timeoutMs` and `maxRetries`: 50, 1,000, 3; 250, 5,000, 3; 1,000, 10,000, 5. */
export type BatchPreset = 'conservative' | 'balanced' | 'aggressive'

/** When batches are cut, and how often a failed one is tried again. What is left out is as in the layer below, in the end as by default. */
export interface BatchOptions {
  /** Values to begin with, in place of those of weaker layers; what is given beside it counts more. Default: none. */
  readonly preset?: BatchPreset | undefined
  /** Decides which limits hold. One that is given beside it, or in a stronger layer, holds too. Default: `hybrid`. */
  readonly strategy?: BatchStrategy | undefined
  /** Records in a batch, at most: 1 to 1,000,000. Default: 100. 1 is single-record processing, also where the size adapts. */
  readonly size?: number | undefined
  /** How long the **first** record of a batch may wait for company, in milliseconds. 0 hands on what is there. Default: 1,000. */
  readonly timeoutMs?: number | undefined
  /** Serialised bytes of keys and values in a batch, at most; a larger record makes a batch of its own. Default: 1 MiB. */
  readonly maxBytes?: number | undefined
  /** Memory that the records of one batch may take, estimated in bytes (see {@link RECORD_MEMORY_BYTES}). Holds always. Default: 16 MiB. */
  readonly maxMemoryBytes?: number | undefined
  /** Whether records wait for company while the processor has nothing to do. Default: true; `immediate` and `adaptive`: false. */
  readonly waitWhenIdle?: boolean | undefined
  /** Lets the size of any strategy find itself between `minSize` and `maxSize`, by partition. Default: false; `adaptive`: true. */
  readonly adaptive?: boolean | undefined
  /** What an adaptive size aims at: how long the slowest twentieth of batches may be processed, in milliseconds. Default: 100. */
  readonly targetLatencyMs?: number | undefined
  /** The smallest adaptive size: 1 to 1,000,000. Default: 1. */
  readonly minSize?: number | undefined
  /** The largest adaptive size: 1 to 1,000,000. Default: 10,000. */
  readonly maxSize?: number | undefined
  /** How often a batch that failed is tried again. Default: 3. */
  readonly maxRetries?: number | undefined
}

/** Batch options of a source. */
export interface SourceBatchOptions extends BatchOptions {
  /** What differs for single topics, by their full names. */
  readonly topics?: Readonly<Record<string, BatchOptions>> | undefined
}

/** Batch options of an application. */
export interface AppBatchOptions extends SourceBatchOptions {
  /** Memory that all waiting records of the application may take, estimated in bytes; once it is spent, what waits is cut. Default: 64 MiB. */
  readonly memoryBudgetBytes?: number | undefined
}

/** What is to change while the application runs: for all topics, or for those of a source, or for one. */
export interface BatchingChange extends BatchOptions {
  /** Name of a source (or repartition). Default: every source. */
  readonly source?: string | undefined
  /** Full name of a topic. Default: every topic. */
  readonly topic?: string | undefined
}
