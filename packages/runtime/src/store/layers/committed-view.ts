import type { KeyRange, ReadOnlyStore, StoreBackend, StoreEntry } from '@millrace/core'
import type { StoreCodec } from './store-codec.ts'
import { byteRange, DEFAULT_PAGE_SIZE } from './store-handle.ts'

/** What the backend holds: committed state, for reads from outside the task. */
export function committedView(name: string, codec: StoreCodec, backend: StoreBackend): ReadOnlyStore<unknown, unknown> {
  const getBatch = async (keys: readonly unknown[]): Promise<unknown[]> => {
    const values = await backend.getMany(keys.map((key) => codec.keyBytes(key)))
    return values.map((value) => (value === undefined ? undefined : codec.decode(value)))
  }
  return {
    name,
    getBatch,
    get: async (key) => (await getBatch([key]))[0],
    async *rangePages(range: KeyRange<unknown>, pageSize = DEFAULT_PAGE_SIZE): AsyncGenerator<readonly StoreEntry<unknown, unknown>[]> {
      for await (const rows of backend.scan(byteRange(range, codec), pageSize)) {
        yield rows.map(([key, value]) => [codec.keyOf(key), codec.decode(value)] as const)
      }
    },
    approximateSize: () => backend.approximateSize(),
  }
}
