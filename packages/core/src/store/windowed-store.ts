import type { StoreColumns, StoreEntry } from './key-value-store.ts'
import type { SessionKey, SessionRange, TimeRange, WindowKey } from './windowed-keys.ts'

/**
 * What window and session stores have in common; `W` is the key of an entry: a key with its window. Entries are kept for the store's retention, in
 * stream time: that of the latest window that was ever set. What is older is not found any more, and setting it has no effect. Otherwise reads and
 * writes are those of a key-value store: reads see the task's own uncommitted writes, writes take effect when the pass succeeds.
 */
export interface BatchWindowedStore<W, V> {
  readonly name: string
  /** In milliseconds. */
  readonly retentionMs: number
  /** Whether a window is too old to be kept: what is set for it has no effect. */
  isExpired(window: W): boolean
  /** One answer for each window, **by position**; `undefined` where there is no entry. Windows may repeat. */
  getBatch(windows: readonly W[]): Promise<(V | undefined)[]>
  /**
   * Throws a `TypeError` for `null`, `undefined` and for times that are no whole numbers from 0 up, as do the other operations, and for what can't be
   * serialised.
   */
  set(window: W, value: V): void
  /** All entries or, if one can't be serialised, none. A window that comes twice gets its last value. A `RangeError` for columns of different lengths. */
  setBatch(entries: Iterable<StoreEntry<W, V>> | StoreColumns<W, V>): void
  /**
   * Sets, for each window in turn, what `update` makes of its value; resolves to the new values, by position. For a window that is too old, `update` is
   * not called and the answer is `undefined`. Otherwise as a key-value store's.
   */
  updateBatch(windows: readonly W[], update: (value: V | undefined, index: number) => V): Promise<(V | undefined)[]>
  /** Deleting what is not there is no error. */
  delete(window: W): void
  /** As `delete`, for each window. */
  deleteBatch(windows: Iterable<W>): void
  /** Every entry, by time (roughly: in segments of at least a minute), within that in byte order of the serialised key. */
  all(): AsyncIterableIterator<StoreEntry<W, V>>
  /** Entries, roughly; some that are too old may be among them. */
  approximateSize(): Promise<number>
}

/** State by key and window: windows of a fixed length, which may overlap. */
export interface BatchWindowStore<K, V> extends BatchWindowedStore<WindowKey<K>, V> {
  /** How long a window is, in milliseconds. */
  readonly windowSizeMs: number
  /** Windows of a key that start within the range, in that order. */
  fetch(key: K, range?: TimeRange): AsyncIterableIterator<StoreEntry<WindowKey<K>, V>>
  /** As `fetch`, for many keys at once: one answer for each key, by position. */
  fetchBatch(keys: readonly K[], range?: TimeRange): Promise<(readonly StoreEntry<WindowKey<K>, V>[])[]>
  /** Windows of all keys that start within the range, in pages of at most `pageSize` entries (default 1,000); ordered as `all`. */
  fetchAllPages(range?: TimeRange, pageSize?: number): AsyncIterable<readonly StoreEntry<WindowKey<K>, V>[]>
}

/** A window store whose backend answers at once: a synchronous `get` besides the batch operations. */
export interface WindowStore<K, V> extends BatchWindowStore<K, V> {
  /** Synchronous. `undefined` where there is no entry. */
  get(window: WindowKey<K>): V | undefined
}

/** State by key and session: periods of activity, each as long as its records make it. */
export interface BatchSessionStore<K, V> extends BatchWindowedStore<SessionKey<K>, V> {
  /** Sessions of a key, in the order of their ends: those that a new record may merge, for instance. */
  findSessions(key: K, range?: SessionRange): AsyncIterableIterator<StoreEntry<SessionKey<K>, V>>
  /** As `findSessions`, for many keys at once: one answer for each key, by position. */
  findSessionsBatch(keys: readonly K[], range?: SessionRange): Promise<(readonly StoreEntry<SessionKey<K>, V>[])[]>
  /** Sessions of all keys that end within the range, in pages of at most `pageSize` entries (default 1,000); ordered as `all`. */
  fetchAllPages(range?: TimeRange, pageSize?: number): AsyncIterable<readonly StoreEntry<SessionKey<K>, V>[]>
}

/** A session store whose backend answers at once: a synchronous `get` besides the batch operations. */
export interface SessionStore<K, V> extends BatchSessionStore<K, V> {
  /** Synchronous. `undefined` where there is no entry. */
  get(session: SessionKey<K>): V | undefined
}

/** Committed state of windows, read from outside the topology. */
export interface ReadOnlyWindowStore<K, V> {
  readonly name: string
  /** `undefined` where there is no entry, or where the key's partition belongs to another process. */
  get(window: WindowKey<K>): Promise<V | undefined>
  /** One answer for each window, by position. */
  getBatch(windows: readonly WindowKey<K>[]): Promise<(V | undefined)[]>
  /** Windows of a key that start within the range, in that order. */
  fetch(key: K, range?: TimeRange): AsyncIterableIterator<StoreEntry<WindowKey<K>, V>>
  /** As `fetch`, for many keys at once: one answer for each key, by position. */
  fetchBatch(keys: readonly K[], range?: TimeRange): Promise<(readonly StoreEntry<WindowKey<K>, V>[])[]>
  /** Windows of all keys that start within the range, in pages of at most `pageSize` entries (default 1,000). Tasks come one after the other. */
  fetchAllPages(range?: TimeRange, pageSize?: number): AsyncIterable<readonly StoreEntry<WindowKey<K>, V>[]>
  /** Entries, roughly, over the tasks of this process. */
  approximateSize(): Promise<number>
}

/** Committed state of sessions, read from outside the topology. */
export interface ReadOnlySessionStore<K, V> {
  readonly name: string
  /** `undefined` where there is no entry, or where the key's partition belongs to another process. */
  get(session: SessionKey<K>): Promise<V | undefined>
  /** One answer for each session, by position. */
  getBatch(sessions: readonly SessionKey<K>[]): Promise<(V | undefined)[]>
  /** Sessions of a key, in the order of their ends. */
  findSessions(key: K, range?: SessionRange): AsyncIterableIterator<StoreEntry<SessionKey<K>, V>>
  /** As `findSessions`, for many keys at once: one answer for each key, by position. */
  findSessionsBatch(keys: readonly K[], range?: SessionRange): Promise<(readonly StoreEntry<SessionKey<K>, V>[])[]>
  /** Sessions of all keys that end within the range, in pages of at most `pageSize` entries (default 1,000). Tasks come one after the other. */
  fetchAllPages(range?: TimeRange, pageSize?: number): AsyncIterable<readonly StoreEntry<SessionKey<K>, V>[]>
  /** Entries, roughly, over the tasks of this process. */
  approximateSize(): Promise<number>
}
