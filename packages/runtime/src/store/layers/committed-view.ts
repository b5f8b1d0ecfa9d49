import { afterPrefix, type ByteRange, type KeyRange, type ReadOnlyStore, type StoreBackend } from '@millrace/core'
import type { StoreCodec } from './store-codec.ts'
import { checkKeys } from './store-arguments.ts'
import { byteRange, checkPageSize, decodeRows, DEFAULT_PAGE_SIZE, type Page } from './store-pages.ts'

/** What the backend holds: committed state, for reads from outside the task. */
export class CommittedView implements ReadOnlyStore<unknown, unknown> {
  readonly name: string
  readonly #codec: StoreCodec
  readonly #backend: StoreBackend

  constructor(name: string, codec: StoreCodec, backend: StoreBackend) {
    this.name = name
    this.#codec = codec
    this.#backend = backend
  }

  async get(key: unknown): Promise<unknown> {
    return (await this.getBatch([key]))[0]
  }

  async getBatch(keys: readonly unknown[]): Promise<unknown[]> {
    checkKeys(this.name, 'getBatch', keys)
    const found = await this.#backend.getMany(keys.map((key) => this.#codec.keyBytes(key)))
    return found.map((value) => (value === undefined ? undefined : this.#codec.decode(value)))
  }

  rangePages(range: KeyRange<unknown>, pageSize = DEFAULT_PAGE_SIZE): AsyncIterable<Page> {
    checkPageSize(this.name, pageSize)
    return this.#pages(byteRange(range, this.#codec), pageSize)
  }

  prefixPages(prefix: Uint8Array, pageSize = DEFAULT_PAGE_SIZE): AsyncIterable<Page> {
    checkPageSize(this.name, pageSize)
    return this.#pages({ gte: prefix, lt: afterPrefix(prefix), reverse: undefined }, pageSize)
  }

  approximateSize(): Promise<number> {
    return this.#backend.approximateSize()
  }

  async *#pages(range: ByteRange, pageSize: number): AsyncGenerator<Page> {
    for await (const rows of this.#backend.scan(range, pageSize)) yield decodeRows(rows, this.#codec)
  }
}
