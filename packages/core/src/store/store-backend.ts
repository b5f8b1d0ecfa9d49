import type { BytesColumn } from '../batch/bytes-column.ts'

/** What a backend can do beyond the required minimum. */
export interface StoreCapabilities {
  /** `sync`: `get` answers at once; `async`: there is no `get`, only `getMany`. */
  readonly access: 'sync' | 'async'
  /** What was written is still there after a restart. */
  readonly persistent: boolean
  /**
   * Whether `write` is all or none, also over a crash: where it is not, a store must have a changelog (else it is not opened: `STORE_NOT_ATOMIC`).
   * {@link completeBackend} says `false` for a backend without a `write` of its own. Default: true.
   */
  readonly atomicWrites?: boolean | undefined
}

/** One change of a store: `value: undefined` deletes. */
export interface StoreChange {
  readonly key: Uint8Array
  readonly value: Uint8Array | undefined
}

/** A span of keys in byte order. Absent bounds are open. */
export interface ByteRange {
  /** Inclusive. Absent: from the first key. */
  readonly gte?: Uint8Array | undefined
  /** Exclusive. Absent: to the last key. */
  readonly lt?: Uint8Array | undefined
  /** Descending. Default: false. */
  readonly reverse?: boolean | undefined
}

/** An entry as bytes. */
export type StoreRow = readonly [key: Uint8Array, value: Uint8Array]

/** Bytes in, bytes out: what every state store keeps its entries in. Keys are ordered by unsigned bytes. Given arrays are not changed and not kept. */
export interface StoreBackend extends AsyncDisposable {
  readonly capabilities: StoreCapabilities
  /** Synchronous single read (`access: 'sync'`). */
  get?(key: Uint8Array): Uint8Array | undefined
  /** One answer for each key, by position. */
  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]>
  /**
   * Applies all changes and the metadata in order, atomically: all or none, also over a crash. `synced`: resolves when they survive a loss of power, too;
   * asked of stores without a changelog.
   */
  write(changes: readonly StoreChange[], metadata?: Uint8Array, synced?: boolean): Promise<void>
  /**
   * The same as `write`, of columns, where null values delete: no object for each change. The columns' bytes are not changed and not kept.
   * It is preferred to `write` where it is there: who wraps the one wraps the other. Default: `write`.
   */
  writeColumns?(keys: BytesColumn, values: BytesColumn, metadata?: Uint8Array, synced?: boolean): Promise<void>
  /** The metadata last written, `undefined` if never. It is no entry: no read or scan shows it. */
  metadata(): Promise<Uint8Array | undefined>
  /** Rows in byte order, in pages of at most `pageSize`. Sees the store as it was when `scan` was called; may be left early. */
  scan(range: ByteRange, pageSize: number): AsyncIterable<readonly StoreRow[]>
  /** Entries, roughly. */
  approximateSize(): Promise<number>
  /** Safe to call twice. Afterwards operations are refused with a `MillraceError` of code `STORE_CLOSED`, scans that are under way too. */
  close(): Promise<void>
}

/**
 * The least that a third party must write: single operations. {@link completeBackend} makes a full backend of it (then writes are atomic
 * only if the third party's `write` is).
 */
export interface SingleOperationBackend {
  readonly capabilities: StoreCapabilities
  /** `undefined` where there is no entry. A backend of access `sync` must not return a promise. */
  get(key: Uint8Array): Uint8Array | undefined | Promise<Uint8Array | undefined>
  /** Replaces what is there. A rejection fails the commit; it is recovered from. */
  set(key: Uint8Array, value: Uint8Array): void | Promise<void>
  /** Deleting what is not there is no error. */
  delete(key: Uint8Array): void | Promise<void>
  /** Rows in byte order. They may be read much later, or never to the end; until then nothing is set or deleted. */
  rows(range: ByteRange): Iterable<StoreRow> | AsyncIterable<StoreRow>
  /** Default: as many `get`s. */
  readonly getMany?: StoreBackend['getMany'] | undefined
  /** Default: as many `set`s and `delete`s, the metadata last. Without `metadata` it is called with changes alone, the metadata among them. */
  readonly write?: StoreBackend['write'] | undefined
  /** Only together with `write`. Default: the metadata are kept as an entry under a key that users' keys are kept away from. */
  readonly metadata?: StoreBackend['metadata'] | undefined
  /** Default: the rows are counted. */
  readonly approximateSize?: StoreBackend['approximateSize'] | undefined
  /** Called once, when nothing else will be called any more. */
  close?(): void | Promise<void>
}

/** What a backend is opened for. */
export interface OpenStoreOptions {
  /** Name of the store. */
  readonly name: string
  /** Folder for this store alone (persistent backends; created by the backend). */
  readonly folder: string
}

/** Opens a backend for one store of one task. Damaged or foreign contents reject with a `MillraceError` of code `STORE_CORRUPT`. */
export type OpenStoreBackend = (options: OpenStoreOptions) => Promise<StoreBackend>
