import { type ByteRange, type BytesColumn, type StoreBackend, type StoreChange, type StoreRow, viewColumn } from '@millrace/core'
import { ChangeLayer } from './change-layer.ts'
import type { Entry } from './entry.ts'
import { changesInRange, mergedScan } from './merged-scan.ts'
import { ReadCache } from './read-cache.ts'
import type { StoreCodec } from './store-codec.ts'

/** What finished passes changed: one changelog record for each key, in the order in which keys were first changed. */
export interface SealedChanges {
  readonly length: number
  readonly keys: BytesColumn
  /** Null: deleted. */
  readonly values: BytesColumn
  readonly timestamps: ArrayLike<number>
}

/**
 * Attempt over open over sealed over cache over backend. A pass writes into the attempt, which is merged into the open layer when the pass
 * succeeds and dropped when it fails; a commit seals the open layer, and writes it to the backend once it is confirmed.
 */
export class StoreLayers {
  readonly #codec: StoreCodec
  readonly #backend: StoreBackend
  readonly #cache: ReadCache
  #attempt: ChangeLayer | undefined
  #open = new ChangeLayer()
  #sealed: ChangeLayer | undefined
  /** Counts what changes the backend under reads in flight. */
  #version = 0

  constructor(codec: StoreCodec, backend: StoreBackend, cacheBytes: number) {
    this.#codec = codec
    this.#backend = backend
    this.#cache = new ReadCache(cacheBytes)
  }

  get writable(): boolean {
    return this.#attempt !== undefined
  }

  get attemptBytes(): number {
    return this.#attempt?.bytes ?? 0
  }

  get uncommittedBytes(): number {
    return this.#open.bytes + (this.#sealed?.bytes ?? 0)
  }

  begin(): void {
    this.#attempt = new ChangeLayer()
  }

  succeed(): void {
    this.#attempt?.mergeInto(this.#open)
    this.#attempt = undefined
  }

  rollback(): void {
    this.#attempt = undefined
  }

  write(id: unknown, entry: Entry): void {
    this.#attempt?.put(id, entry)
  }

  /** The entry as this pass sees it, if some layer knows it. */
  known(id: unknown): Entry | undefined {
    return this.#attempt?.get(id) ?? this.#open.get(id) ?? this.#sealed?.get(id) ?? this.#cache.get(id)
  }

  /** Reads from a synchronous backend what no layer knows. */
  load(id: unknown, keyBytes: Uint8Array): Entry {
    const entry = this.#codec.stored(keyBytes, this.#backend.get?.(keyBytes))
    this.#cache.put(id, entry)
    return entry
  }

  /** Reads what no layer knows, all at once. */
  async loadMany(ids: readonly unknown[], keys: readonly Uint8Array[]): Promise<Entry[]> {
    const version = this.#version
    const values = await this.#backend.getMany(keys)
    const entries = new Array<Entry>(keys.length)
    for (let i = 0; i < keys.length; i++) {
      const entry = this.#codec.stored(keys[i] as Uint8Array, values[i])
      entries[i] = entry
      // What a commit has written meanwhile must not be hidden by what was read before it.
      if (version === this.#version) this.#cache.put(ids[i], entry)
    }
    return entries
  }

  /** Rows of a range, as this pass sees the store now. */
  scan(range: ByteRange, pageSize: number): AsyncIterable<readonly StoreRow[]> {
    const layers = [this.#attempt, this.#open, this.#sealed].filter((layer) => layer !== undefined)
    return mergedScan(this.#backend.scan(range, pageSize), changesInRange(layers, range), { pageSize, reverse: range.reverse === true })
  }

  /** Entries, roughly: changes that are not committed count as new ones. */
  async approximateSize(): Promise<number> {
    return (await this.#backend.approximateSize()) + (this.#attempt?.size ?? 0) + this.#open.size + (this.#sealed?.size ?? 0)
  }

  /** Takes what finished passes changed for a commit. Throws if the last one taken is not persisted yet. */
  seal(): SealedChanges | undefined {
    if (this.#sealed !== undefined) throw new Error('A store was sealed while an earlier commit of it was under way.')
    if (this.#open.size === 0) return undefined
    const sealed = this.#open
    this.#sealed = sealed
    this.#open = new ChangeLayer()
    const keys: Uint8Array[] = []
    const values: (Uint8Array | null)[] = []
    const timestamps: number[] = []
    for (const [, entry] of sealed.entries()) {
      keys.push(entry.keyBytes)
      values.push(entry.valueBytes ?? null)
      timestamps.push(entry.timestamp)
    }
    return { length: keys.length, keys: viewColumn(keys), values: viewColumn(values), timestamps }
  }

  /** The commit is confirmed: writes what was sealed, with `metadata`, in one piece. */
  async persist(metadata: Uint8Array): Promise<void> {
    const sealed = this.#sealed
    const changes: StoreChange[] = []
    if (sealed !== undefined) for (const [, { keyBytes, valueBytes }] of sealed.entries()) changes.push({ key: keyBytes, value: valueBytes })
    await this.#backend.write(changes, metadata)
    this.#version++
    if (sealed === undefined || sealed !== this.#sealed) return
    for (const [id, entry] of sealed.entries()) this.#cache.put(id, entry)
    this.#sealed = undefined
  }

  /** Drops all that is not in the backend. */
  discard(): void {
    this.#attempt = undefined
    this.#open.clear()
    this.#sealed = undefined
    this.#cache.clear()
    this.#version++
  }
}
