import { openLevelDb } from '@millrace/store-leveldb'
import type { Comparison, Contender } from '../../harness/comparison.ts'
import { bytesOf, openClassicLevel, putAll } from './classic-level-store.ts'
import { inFolder, openStore, type OpenedStore } from './open-task-store.ts'
import { checkCount } from './check-store.ts'

const CACHE_BYTES = 16_777_216

/** Writing entries that are on disk (in LevelDB's log) afterwards, and deleting them. */
export function levelDbWrites(folder: string, keys: readonly string[]): Comparison[] {
  const records = keys.length
  const entries = keys.map((key, i) => [key, i] as const)
  const classic = (
    name: string,
    says: string,
    work: (database: Awaited<ReturnType<typeof openClassicLevel>>) => Promise<void>,
  ): Contender => ({
    name,
    says,
    records,
    async open() {
      const database = await openClassicLevel(folder)
      await putAll(database, keys)
      return { work: () => work(database), close: () => database.close() }
    },
  })
  const contender = (
    name: string,
    says: string,
    work: (store: OpenedStore) => void | Promise<void>,
    check: (store: OpenedStore) => Promise<void>,
  ): Contender => ({
    name,
    says,
    records,
    async open() {
      const store = await inFolder(folder, async (own) => openStore(await openLevelDb({ name: 'counts', folder: own }), CACHE_BYTES))
      return { work: () => work(store), check: () => check(store), close: () => store.close() }
    },
  })
  const millrace = (name: string, says: string, work: (store: OpenedStore) => void | Promise<void>, left = records) =>
    contender(name, says, work, (store) => checkCount(store, left))
  const deleting = (name: string, says: string, remove: Parameters<OpenedStore['committed']>[0]) => {
    const fill = (store: OpenedStore) => store.committed((handle) => handle.setBatch(entries))
    return contender(
      name,
      says,
      async (store) => {
        await fill(store)
        await store.committed(remove)
      },
      async (store) => {
        await checkCount(store, 0)
        await fill(store)
        await checkCount(store, records)
      },
    )
  }
  return [
    {
      name: `leveldb set, ${records} records`,
      baseline: classic('await put', 'classic-level, one awaited put after the other.', async (database) => {
        for (let i = 0; i < records; i++) await database.put(keys[i] as string, bytesOf(i))
      }),
      others: [
        classic('chained batch', 'classic-level, one chained batch, written at once: the best that it offers.', (database) =>
          putAll(database, keys),
        ),
        millrace(
          'setBatch and commit',
          'A pass with one setBatch; its commit writes the entries to LevelDB. Without the changelog.',
          (store) => store.committed((handle) => handle.setBatch(entries)),
        ),
        millrace('set and commit', 'A pass with a synchronous set for each record; its commit writes the entries to LevelDB.', (store) =>
          store.committed((handle) => {
            for (let i = 0; i < records; i++) handle.set(keys[i] as string, i)
          }),
        ),
        millrace(
          'setBatch',
          'What a processor waits for: entries are serialised and kept in the layer of the pass. Nothing is written.',
          (store) => store.dropped((handle) => handle.setBatch(entries)),
          0,
        ),
        millrace(
          'set',
          'The same with a synchronous set for each record.',
          (store) =>
            store.dropped((handle) => {
              for (let i = 0; i < records; i++) handle.set(keys[i] as string, i)
            }),
          0,
        ),
      ],
    },
    {
      name: `leveldb delete, ${records} records`,
      baseline: classic(
        'await del',
        'classic-level, filled by a chained batch each time: one awaited del after the other.',
        async (database) => {
          await putAll(database, keys)
          for (let i = 0; i < records; i++) await database.del(keys[i] as string)
        },
      ),
      others: [
        deleting(
          'deleteBatch and commit',
          'Filled by a pass with one setBatch each time: a pass with one deleteBatch, and its commit. Both commits are written to LevelDB.',
          (handle) => handle.deleteBatch(keys),
        ),
        deleting('delete and commit', 'The same with a synchronous delete for each record.', (handle) => {
          for (let i = 0; i < records; i++) handle.delete(keys[i] as string)
        }),
      ],
    },
  ]
}
