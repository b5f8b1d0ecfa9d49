import { type KeyRange, MillraceError, type ReadOnlyStore, type StoreEntry } from '@millrace/core'
import type { Task } from '../task/task.ts'

/** Committed state of one store over all tasks that run in this process. Keys of partitions that are elsewhere are not found. */
export function queryStore<K, V>(name: string, tasks: () => readonly Task[]): ReadOnlyStore<K, V> {
  const parts = (): ReadOnlyStore<K, V>[] =>
    tasks().flatMap((task) =>
      task.stores.all.filter(({ definition }) => definition.name === name).map(({ store }) => store.committed as ReadOnlyStore<K, V>),
    )
  const getBatch = async (keys: readonly K[]): Promise<(V | undefined)[]> => {
    const answers = await Promise.all(parts().map((part) => part.getBatch(keys)))
    return keys.map((_, i) => answers.map((answer) => answer[i]).find((value) => value !== undefined))
  }
  return {
    name,
    getBatch,
    get: async (key) => (await getBatch([key]))[0],
    async *rangePages(range: KeyRange<K>, pageSize?: number): AsyncIterable<readonly StoreEntry<K, V>[]> {
      for (const part of parts()) yield* part.rangePages(range, pageSize)
    },
    async approximateSize() {
      const sizes = await Promise.all(parts().map((part) => part.approximateSize()))
      return sizes.reduce((sum, size) => sum + size, 0)
    },
  }
}

export function unknownStore(name: string, known: readonly string[]): MillraceError {
  return new MillraceError(
    'STORE_UNKNOWN',
    `The topology has no store '${name}'; it has ${known.length === 0 ? 'none' : known.map((one) => `'${one}'`).join(', ')}.`,
    {
      stage: 'store',
    },
  )
}
