/** One entry of a store. */
export type StoreEntry<K, V> = readonly [key: K, value: V]

/** Entries of a store as columns of equal length: value `i` belongs to key `i`. */
export interface StoreColumns<K, V> {
  readonly keys: readonly K[]
  readonly values: readonly V[]
}

/** A span of keys, in byte order of the serialised key. Absent bounds are open. */
export interface KeyRange<K> {
  /** Inclusive. */
  readonly from?: K | undefined
  /** Exclusive. */
  readonly to?: K | undefined
  /** Descending. Default: false. */
  readonly reverse?: boolean | undefined
}

/**
 * State of one task, as every backend offers it. Reads see the task's own uncommitted writes; writes take effect when the pass succeeds and
 * become durable with the next commit. `undefined` is "no entry"; setting `undefined` or `null` is refused: use `delete`.
 */
export interface BatchKeyValueStore<K, V> {
  readonly name: string
  /** One answer for each key, **by position**; `undefined` where there is no entry. Keys may repeat. */
  getBatch(keys: readonly K[]): Promise<(V | undefined)[]>
  /** Throws for what can't be serialised, and a `TypeError` for `null` and `undefined`. */
  set(key: K, value: V): void
  /**
   * All entries or, if one can't be serialised, none. A key that comes twice gets its last value. Columns need no pair a key; a `RangeError` if
   * their lengths differ.
   */
  setBatch(entries: Iterable<StoreEntry<K, V>> | StoreColumns<K, V>): void
  /**
   * Sets, for each key in turn, what `update` makes of its value; resolves to the new values, by position. A key that comes again is given what
   * `update` has made of it before, as a store gives it back. If `update` throws or one value can't be serialised, nothing is set. Nothing comes
   * between reading and setting: what else is set while missing entries are read is what `update` is given, and of two at once none is lost. It
   * ends in the pass in which it was called, or rejects with a `TypeError`.
   */
  updateBatch(keys: readonly K[], update: (value: V | undefined, index: number) => V): Promise<V[]>
  /** Deleting what is not there is no error. */
  delete(key: K): void
  /** As `delete`, for each key. */
  deleteBatch(keys: Iterable<K>): void
  /** Entries in byte order of the serialised key, as they were when the iteration began. */
  range(range: KeyRange<K>): AsyncIterableIterator<StoreEntry<K, V>>
  /** Entries whose serialised key begins with `prefix`, in byte order. */
  prefixScan(prefix: Uint8Array): AsyncIterableIterator<StoreEntry<K, V>>
  /** Every entry, as `range({})`. */
  all(): AsyncIterableIterator<StoreEntry<K, V>>
  /** As `range`, in pages of at most `pageSize` entries (default 1,000): one wait a page instead of one an entry. */
  rangePages(range: KeyRange<K>, pageSize?: number): AsyncIterable<readonly StoreEntry<K, V>[]>
  /** As `prefixScan`, in pages. */
  prefixPages(prefix: Uint8Array, pageSize?: number): AsyncIterable<readonly StoreEntry<K, V>[]>
  /** Entries, roughly. */
  approximateSize(): Promise<number>
}

/** A store whose backend answers at once: a synchronous `get` besides the batch operations. */
export interface KeyValueStore<K, V> extends BatchKeyValueStore<K, V> {
  /** Synchronous. `undefined` where there is no entry. */
  get(key: K): V | undefined
}

/** Committed state, read from outside the topology. */
export interface ReadOnlyStore<K, V> {
  readonly name: string
  /** `undefined` where there is no entry, or where the key's partition belongs to another process. */
  get(key: K): Promise<V | undefined>
  /** One answer for each key, by position. */
  getBatch(keys: readonly K[]): Promise<(V | undefined)[]>
  /** In pages of at most `pageSize` entries (default 1,000). In byte order within a task; tasks come one after the other. */
  rangePages(range: KeyRange<K>, pageSize?: number): AsyncIterable<readonly StoreEntry<K, V>[]>
  /** Entries whose serialised key begins with `prefix`, in pages as `rangePages`. */
  prefixPages(prefix: Uint8Array, pageSize?: number): AsyncIterable<readonly StoreEntry<K, V>[]>
  /** Entries, roughly, over the tasks of this process. */
  approximateSize(): Promise<number>
}
