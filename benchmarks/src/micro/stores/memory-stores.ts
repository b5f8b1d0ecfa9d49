import { MemoryStoreBackend } from '@millrace/store-memory'
import type { Comparison, Contender } from '../../harness/comparison.ts'
import { checkSum, getBatch, getEach, scanEntries, scanPages } from './leveldb-reads.ts'
import { openStore, type OpenedStore } from './open-task-store.ts'

const CACHE_BYTES = 67_108_864

/** Stores in memory, beside a plain `Map`: what passes that can be undone, order by bytes and commits cost. */
export function memoryStores(keys: readonly string[]): Comparison[] {
  const records = keys.length
  const entries = keys.map((key, i) => [key, i] as const)
  const map = (name: string, says: string, work: (map: Map<string, number>) => void): Contender => ({
    name,
    says,
    records,
    open() {
      const own = new Map(entries)
      return { work: () => work(own) }
    },
  })
  const millrace = (
    name: string,
    says: string,
    work: (store: OpenedStore) => void | Promise<void>,
    cacheBytes = CACHE_BYTES,
  ): Contender => ({
    name,
    says,
    records,
    async open() {
      const store = await openStore(new MemoryStoreBackend(), cacheBytes)
      await store.committed((handle) => handle.setBatch(entries))
      return { work: () => work(store), close: () => store.close() }
    },
  })
  const reading = (name: string, says: string, read: (handle: OpenedStore['handle']) => number | Promise<number>, cacheBytes?: number) =>
    millrace(name, says, async ({ handle }) => checkSum(await read(handle), records), cacheBytes)
  return [
    {
      name: `memory set, ${records} records`,
      baseline: map('Map.set', 'A plain Map: nothing can be undone, ordered or committed.', (own) => {
        for (let i = 0; i < records; i++) own.set(keys[i] as string, i)
      }),
      others: [
        millrace('setBatch and commit', 'A pass with one setBatch; its commit puts the entries into the ordered store.', (store) =>
          store.committed((handle) => handle.setBatch(entries)),
        ),
        millrace(
          'set and commit',
          'A pass with a synchronous set for each record; its commit puts the entries into the ordered store.',
          (store) =>
            store.committed((handle) => {
              for (let i = 0; i < records; i++) handle.set(keys[i] as string, i)
            }),
        ),
        millrace('setBatch', 'What a processor waits for: entries are serialised and kept in the layer of the pass.', (store) =>
          store.dropped((handle) => handle.setBatch(entries)),
        ),
        millrace('set', 'The same with a synchronous set for each record.', (store) =>
          store.dropped((handle) => {
            for (let i = 0; i < records; i++) handle.set(keys[i] as string, i)
          }),
        ),
      ],
    },
    {
      name: `memory delete, ${records} records`,
      baseline: map('Map.delete', 'A plain Map, which is filled again: a set and a delete for each record.', (own) => {
        for (let i = 0; i < records; i++) own.set(keys[i] as string, i)
        for (let i = 0; i < records; i++) own.delete(keys[i] as string)
      }),
      others: [
        millrace('deleteBatch and commit', 'One pass with setBatch and one with deleteBatch, both committed.', async (store) => {
          await store.committed((handle) => handle.setBatch(entries))
          await store.committed((handle) => handle.deleteBatch(keys))
        }),
        millrace(
          'delete and commit',
          'One pass with a set for each record and one with a delete for each, both committed.',
          async (store) => {
            await store.committed((handle) => {
              for (let i = 0; i < records; i++) handle.set(keys[i] as string, i)
            })
            await store.committed((handle) => {
              for (let i = 0; i < records; i++) handle.delete(keys[i] as string)
            })
          },
        ),
      ],
    },
    {
      name: `memory get, ${records} records`,
      baseline: map('Map.get', 'A plain Map.', (own) => {
        let sum = 0
        for (let i = 0; i < records; i++) sum += own.get(keys[i] as string) as number
        checkSum(sum, records)
      }),
      others: [
        reading('getBatch', 'One getBatch of keys that no layer knows: all are read from the ordered store.', getBatch(keys), 0),
        reading('get', 'A synchronous get for each key, none of which a layer knows.', getEach(keys), 0),
        reading('getBatch, cached', 'One getBatch of keys that were used lately.', getBatch(keys)),
        reading('get, cached', 'A synchronous get for each key, all of which were used lately.', getEach(keys)),
      ],
    },
    {
      name: `memory scan, ${records} records`,
      baseline: map('sorted Map', 'A plain Map, whose entries are sorted by their keys for each scan.', (own) => {
        let sum = 0
        for (const [, value] of [...own].sort(([a], [b]) => (a < b ? -1 : 1))) sum += value
        checkSum(sum, records)
      }),
      others: [
        reading('rangePages', 'All entries in pages of 1,000.', scanPages),
        reading('range', 'All entries, an entry at a time.', scanEntries),
      ],
    },
  ]
}
