import { afterPrefix, type BatchKeyValueStore, type ByteRange, type KeyRange, type KeyValueStore, type StoreEntry } from '@millrace/core'

import type { Entry } from './entry.ts'
import type { StoreCodec } from './store-codec.ts'
import type { StoreLayers } from './store-layers.ts'

export interface HandleAccess {
  readonly name: string
  readonly codec: StoreCodec
  readonly layers: StoreLayers
  /** Throws when the task's epoch is over. */
  readonly guard: () => void
  /** The timestamp that changes get. */
  readonly timestamp: () => number
}

export const DEFAULT_PAGE_SIZE = 1_000

/** What processors use: typed access to the layers of one store. */
export class BatchStoreHandle implements BatchKeyValueStore<unknown, unknown> {
  readonly name: string
  protected readonly access: HandleAccess

  constructor(access: HandleAccess) {
    this.name = access.name
    this.access = access
  }

  async getBatch(keys: readonly unknown[]): Promise<unknown[]> {
    const { codec, layers, guard } = this.access
    guard()
    const values = new Array<unknown>(keys.length)
    const missing: number[] = []
    const missingIds: unknown[] = []
    const missingKeys: Uint8Array[] = []
    for (let i = 0; i < keys.length; i++) {
      const id = codec.idOf(keys[i])
      const entry = layers.known(id)
      if (entry !== undefined) values[i] = codec.valueOf(entry)
      else {
        missing.push(i)
        missingIds.push(id)
        missingKeys.push(codec.keyBytes(keys[i]))
      }
    }
    if (missing.length === 0) return values
    const loaded = await layers.loadMany(missingIds, missingKeys)
    guard()
    for (let i = 0; i < missing.length; i++) values[missing[i] as number] = codec.valueOf(loaded[i] as Entry)
    return values
  }

  set(key: unknown, value: unknown): void {
    const { codec, layers } = this.access
    this.#checkWritable()
    layers.write(codec.idOf(key), codec.entry(key, value, this.access.timestamp()))
  }

  setBatch(entries: Iterable<StoreEntry<unknown, unknown>>): void {
    const { codec, layers } = this.access
    this.#checkWritable()
    const timestamp = this.access.timestamp()
    const ids: unknown[] = []
    const changes: Entry[] = []
    for (const [key, value] of entries) {
      ids.push(codec.idOf(key))
      changes.push(codec.entry(key, value, timestamp))
    }
    for (let i = 0; i < ids.length; i++) layers.write(ids[i], changes[i] as Entry)
  }

  delete(key: unknown): void {
    this.deleteBatch([key])
  }

  deleteBatch(keys: Iterable<unknown>): void {
    const { codec, layers } = this.access
    this.#checkWritable()
    const timestamp = this.access.timestamp()
    const changes = Array.from(keys, (key) => [codec.idOf(key), codec.deletion(key, timestamp)] as const)
    for (const [id, deletion] of changes) layers.write(id, deletion)
  }

  range(range: KeyRange<unknown>): AsyncIterableIterator<StoreEntry<unknown, unknown>> {
    return entriesOf(this.rangePages(range))
  }

  prefixScan(prefix: Uint8Array): AsyncIterableIterator<StoreEntry<unknown, unknown>> {
    return entriesOf(this.prefixPages(prefix))
  }

  all(): AsyncIterableIterator<StoreEntry<unknown, unknown>> {
    return this.range({})
  }

  rangePages(range: KeyRange<unknown>, pageSize = DEFAULT_PAGE_SIZE): AsyncIterable<readonly StoreEntry<unknown, unknown>[]> {
    return this.#pages(byteRange(range, this.access.codec), pageSize)
  }

  prefixPages(prefix: Uint8Array, pageSize = DEFAULT_PAGE_SIZE): AsyncIterable<readonly StoreEntry<unknown, unknown>[]> {
    return this.#pages({ gte: prefix, lt: afterPrefix(prefix) }, pageSize)
  }

  approximateSize(): Promise<number> {
    this.access.guard()
    return this.access.layers.approximateSize()
  }

  #pages(range: ByteRange, pageSize: number): AsyncIterable<readonly StoreEntry<unknown, unknown>[]> {
    this.access.guard()
    if (!Number.isInteger(pageSize) || pageSize < 1) throw new TypeError(`Store '${this.name}': a page can't have ${pageSize} entries; use at least 1.`)
    return decodePages(this.access.layers.scan(range, pageSize), this.access)
  }

  #checkWritable(): void {
    const { guard, layers } = this.access
    guard()
    if (!layers.writable) {
      throw new TypeError(`Store '${this.name}' was changed while its task was processing nothing: change it in process, processBatch, init or a punctuator.`)
    }
  }
}

/** The same over a backend that answers at once. */
export class StoreHandle extends BatchStoreHandle implements KeyValueStore<unknown, unknown> {
  get(key: unknown): unknown {
    const { codec, layers, guard } = this.access
    guard()
    const id = codec.idOf(key)
    return codec.valueOf(layers.known(id) ?? layers.load(id, codec.keyBytes(key)))
  }
}

export function byteRange({ from, to, reverse }: KeyRange<unknown>, codec: StoreCodec): ByteRange {
  return {
    gte: from === undefined ? undefined : codec.keyBytes(from),
    lt: to === undefined ? undefined : codec.keyBytes(to),
    reverse,
  }
}

async function* decodePages(
  pages: AsyncIterable<readonly (readonly [Uint8Array, Uint8Array])[]>,
  { codec, guard }: Pick<HandleAccess, 'codec' | 'guard'>,
): AsyncGenerator<readonly StoreEntry<unknown, unknown>[]> {
  for await (const rows of pages) {
    guard()
    yield rows.map(([key, value]) => [codec.keyOf(key), codec.decode(value)] as const)
  }
}

async function* entriesOf(pages: AsyncIterable<readonly StoreEntry<unknown, unknown>[]>): AsyncGenerator<StoreEntry<unknown, unknown>> {
  for await (const page of pages) yield* page
}
