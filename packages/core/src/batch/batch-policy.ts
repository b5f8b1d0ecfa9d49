/** When a batch is cut: whichever limit is reached first. */
export interface BatchPolicy {
  /** Records in a batch, at most. At least 1. Default: 100. `1` is single-record processing. */
  readonly size: number
  /** How long the **first** record of a batch may wait for company, in milliseconds. 0 hands on what is there. Default: 1,000. */
  readonly timeoutMs: number
  /** Serialised bytes of keys and values in a batch, at most; a larger record makes a batch of its own. Default: 1 MiB. */
  readonly maxBytes: number
}

/** 100 records, 1,000 ms, 1 MiB. */
export const DEFAULT_BATCH_POLICY: BatchPolicy = Object.freeze({ size: 100, timeoutMs: 1_000, maxBytes: 1_048_576 })
