/**
 * What a node's single-record processor may do at once: nothing (`partition`, unless `asyncBatch` says otherwise), records of different keys
 * (`key`), or any records (`unordered`).
 */
export type Ordering = 'partition' | 'key' | 'unordered'

/** All there are, as messages list them. */
export const ORDERINGS: readonly Ordering[] = ['partition', 'key', 'unordered']

/** How many records of one batch a node processes at once, and what stays in order. Only for processors that have `process`. */
export interface ProcessorConcurrency {
  /**
   * `partition`: output in offset order; records one after another, or with `asyncBatch` side by side. `key`: records of one key one after
   * another, in order, those of different keys side by side; output in offset order. `unordered`: records side by side, output in the order in
   * which they are done; refused where a store could see that order. With `key`, which windows of a window or session store are too old is up to
   * timing at the edge of their retention: time is that of the store, not of a key. Default: `partition`.
   */
  readonly ordering?: Ordering | undefined
  /**
   * With `partition`: whether the records of a batch are processed side by side. Refused for a node with stores. Default: what the
   * application says, for processors without `processBatch` and without stores; for others false.
   */
  readonly asyncBatch?: boolean | undefined
  /** Records of one batch that are processed at the same time, at most. From 1 to 10,000. Default: the application's. */
  readonly maxConcurrency?: number | undefined
}

/** What a node was given of it. */
export interface NodeConcurrency {
  readonly ordering: Ordering
  /** Undefined: as the application says. */
  readonly asyncBatch: boolean | undefined
  /** Undefined: as the application says. */
  readonly maxConcurrency: number | undefined
}

/** Records processed at the same time by one node: more would only wait elsewhere. */
export const MOST_CONCURRENCY = 10_000
