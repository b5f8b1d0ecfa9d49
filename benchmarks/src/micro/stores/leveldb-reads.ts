import { openLevelDb } from '@millrace/store-leveldb'
import type { Comparison, Contender } from '../../harness/comparison.ts'
import { numberIn, openClassicLevel, putAll } from './classic-level-store.ts'
import { inFolder, openStore, type OpenedStore } from './open-task-store.ts'

const CACHE_BYTES = 67_108_864

/** Reading entries of a store, in no order, and scanning all of them. */
export function levelDbReads(folder: string, keys: readonly string[]): Comparison[] {
  const records = keys.length
  const classic = (
    name: string,
    says: string,
    read: (database: Awaited<ReturnType<typeof openClassicLevel>>) => Promise<number> | number,
  ): Contender => ({
    name,
    says,
    records,
    async open() {
      const database = await openClassicLevel(folder)
      await putAll(database, keys)
      return {
        async work() {
          checkSum(await read(database), records)
        },
        close: () => database.close(),
      }
    },
  })
  const millrace = (
    name: string,
    says: string,
    read: (handle: OpenedStore['handle']) => Promise<number> | number,
    cacheBytes = 0,
  ): Contender => ({
    name,
    says,
    records,
    async open() {
      const store = await inFolder(folder, async (own) => openStore(await openLevelDb({ name: 'counts', folder: own }), cacheBytes))
      await store.committed((handle) => handle.setBatch(keys.map((key, i) => [key, i])))
      return {
        async work() {
          checkSum(await read(store.handle), records)
        },
        close: () => store.close(),
      }
    },
  })
  return [
    {
      name: `leveldb get, ${records} records`,
      baseline: classic('await get', 'classic-level, one awaited get after the other.', async (database) => {
        let sum = 0
        for (let i = 0; i < records; i++) sum += numberIn(await database.get(keys[i] as string))
        return sum
      }),
      others: [
        classic('getMany', 'classic-level, one getMany: the best that it offers for many.', async (database) => {
          let sum = 0
          for (const value of await database.getMany([...keys])) sum += numberIn(value)
          return sum
        }),
        classic('getSync', 'classic-level, one synchronous getSync after the other.', (database) => {
          let sum = 0
          for (let i = 0; i < records; i++) sum += numberIn(database.getSync(keys[i] as string))
          return sum
        }),
        millrace('getBatch', 'One getBatch of keys that no layer knows: all are read from LevelDB.', getBatch(keys)),
        millrace('get', 'A synchronous get for each key, none of which a layer knows.', getEach(keys)),
        millrace('getBatch, cached', 'One getBatch of keys that were used lately: none is read from LevelDB.', getBatch(keys), CACHE_BYTES),
        millrace('get, cached', 'A synchronous get for each key, all of which were used lately.', getEach(keys), CACHE_BYTES),
      ],
    },
    {
      name: `leveldb scan, ${records} records`,
      baseline: classic('for await', "classic-level's iterator, an entry at a time.", async (database) => {
        let sum = 0
        for await (const [, value] of database.iterator()) sum += numberIn(value)
        return sum
      }),
      others: [
        millrace('rangePages', 'All entries in pages of 1,000.', scanPages),
        millrace('range', 'All entries, an entry at a time.', scanEntries),
      ],
    },
  ]
}

export function getBatch(keys: readonly string[]): (handle: OpenedStore['handle']) => Promise<number> {
  return async (handle) => {
    let sum = 0
    for (const value of await handle.getBatch(keys)) sum += value ?? Number.NaN
    return sum
  }
}

export function getEach(keys: readonly string[]): (handle: OpenedStore['handle']) => number {
  return (handle) => {
    let sum = 0
    for (let i = 0; i < keys.length; i++) sum += handle.get(keys[i] as string) ?? Number.NaN
    return sum
  }
}

export async function scanPages(handle: OpenedStore['handle']): Promise<number> {
  let sum = 0
  for await (const page of handle.rangePages({})) for (const [, value] of page) sum += value
  return sum
}

export async function scanEntries(handle: OpenedStore['handle']): Promise<number> {
  let sum = 0
  for await (const [, value] of handle.all()) sum += value
  return sum
}

/** Values are 0, 1, 2...: whoever missed one, or read one twice, has another sum. */
export function checkSum(sum: number, records: number): void {
  if (sum !== (records * (records - 1)) / 2) throw new Error(`The values add up to ${sum}: not every entry was read.`)
}
