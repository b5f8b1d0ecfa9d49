import type { BatchStrategy } from './batch-options.ts'

/** The limits of a batch: it is cut at whichever is reached first. Infinity: no limit. */
export interface CutLimits {
  /** Records in a batch, at most. 1 is single-record processing. */
  readonly size: number
  /** How long the **first** record of a batch may wait for company, in milliseconds. 0 hands on what is there. */
  readonly timeoutMs: number
  /** Serialised bytes of keys and values in a batch, at most; a larger record makes a batch of its own. */
  readonly maxBytes: number
  /** Memory that the records of a batch may take, estimated in bytes; a larger record makes a batch of its own. */
  readonly maxMemoryBytes: number
  /** Whether records wait for company while the processor has nothing to do. */
  readonly waitWhenIdle: boolean
}

/** When batches are cut, as resolved from all {@link BatchOptions} that concern them: every field filled in. */
export interface BatchPolicy extends CutLimits {
  readonly strategy: BatchStrategy
  /** Whether the size finds itself between `minSize` and `maxSize`, and `size` is the largest it may have. */
  readonly adaptive: boolean
  /** How long the slowest twentieth of batches may be processed, in milliseconds, where the size adapts. */
  readonly targetLatencyMs: number
  /** The smallest adaptive size, in records. */
  readonly minSize: number
  /** The largest adaptive size, in records. */
  readonly maxSize: number
  /** How often a batch that failed is tried again. */
  readonly maxRetries: number
}

/** What holds where no option is given: `hybrid`, 100 records, 1,000 ms, 1 MiB. */
export const DEFAULT_BATCH_POLICY: BatchPolicy = Object.freeze({
  strategy: 'hybrid',
  size: 100,
  timeoutMs: 1_000,
  maxBytes: 1_048_576,
  maxMemoryBytes: 16_777_216,
  waitWhenIdle: true,
  adaptive: false,
  targetLatencyMs: 100,
  minSize: 1,
  maxSize: 10_000,
  maxRetries: 3,
})

/** Memory for all waiting records of an application, unless given otherwise: 64 MiB. */
export const DEFAULT_MEMORY_BUDGET_BYTES = 67_108_864
