import {
  type ByteRange,
  compareBytes,
  storeClosed,
  type StoreBackend,
  type StoreCapabilities,
  type StoreChange,
  type StoreRow,
} from '@millrace/core'
import sortedBTree from 'sorted-btree'

// The package is CommonJS that was written as ESM: plain Node gives all its exports as the default, bundlers unwrap that.
const exported = sortedBTree as Partial<typeof sortedBTree>
const BTree = exported.default ?? (sortedBTree as unknown as typeof sortedBTree.default)
type Rows = InstanceType<typeof BTree<Uint8Array, Uint8Array>>

/** An ordered store in memory: nothing is left of it after a restart but what its changelog holds. */
export class MemoryStoreBackend implements StoreBackend {
  readonly capabilities: StoreCapabilities = { access: 'sync', persistent: false }
  readonly #rows: Rows = new BTree<Uint8Array, Uint8Array>(undefined, compareBytes)
  #metadata: Uint8Array | undefined
  #closed = false

  get(key: Uint8Array): Uint8Array | undefined {
    this.#checkOpen()
    return this.#rows.get(key)
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    this.#checkOpen()
    const values = new Array<Uint8Array | undefined>(keys.length)
    for (let i = 0; i < keys.length; i++) values[i] = this.#rows.get(keys[i] as Uint8Array)
    return values
  }

  async write(changes: readonly StoreChange[], metadata?: Uint8Array): Promise<void> {
    this.#checkOpen()
    for (const { key, value } of changes) {
      if (value === undefined) this.#rows.delete(key)
      else this.#rows.set(copy(key), copy(value))
    }
    if (metadata !== undefined) this.#metadata = copy(metadata)
  }

  async metadata(): Promise<Uint8Array | undefined> {
    this.#checkOpen()
    return this.#metadata
  }

  scan({ gte, lt, reverse }: ByteRange, pageSize: number): AsyncIterable<readonly StoreRow[]> {
    this.#checkOpen()
    // The clone shares its nodes with the store until either is changed.
    return this.#pages(this.#rows.clone(), { gte: gte && copy(gte), lt: lt && copy(lt), reverse }, pageSize)
  }

  async approximateSize(): Promise<number> {
    this.#checkOpen()
    return this.#rows.size
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#rows.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #checkOpen(): void {
    if (this.#closed) throw storeClosed()
  }

  async *#pages(rows: Rows, { gte, lt, reverse }: ByteRange, pageSize: number): AsyncGenerator<readonly StoreRow[]> {
    this.#checkOpen()
    let page: StoreRow[] = []
    const entries = reverse === true ? rows.entriesReversed(lt, undefined, true) : rows.entries(gte)
    for (const [key, value] of entries) {
      if (reverse === true ? gte !== undefined && compareBytes(key, gte) < 0 : lt !== undefined && compareBytes(key, lt) >= 0) break
      page.push([key, value])
      if (page.length < pageSize) continue
      yield page
      this.#checkOpen()
      page = []
    }
    if (page.length > 0) yield page
  }
}

/** Not bytes.slice(): of a Node Buffer it would be a view. */
function copy(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes)
}
