import type { KeyRange, ReadOnlySessionStore, ReadOnlyStore, ReadOnlyWindowStore, SessionRange, TimeRange } from '@millrace/core'

/** What the tasks of this process have of a store, at the moment it is asked for: each key is in one of them. */
export type Parts<Part> = () => readonly Part[]

interface Looked {
  getBatch(keys: readonly unknown[]): Promise<unknown[]>
  approximateSize(): Promise<number>
}

/** A key-value store over its parts. */
export function entriesOver(name: string, parts: Parts<ReadOnlyStore<unknown, unknown>>): ReadOnlyStore<unknown, unknown> {
  return {
    ...lookedUp(name, parts),
    rangePages: (range: KeyRange<unknown>, pageSize?: number) => oneAfterTheOther(parts, (part) => part.rangePages(range, pageSize)),
    prefixPages: (prefix: Uint8Array, pageSize?: number) => oneAfterTheOther(parts, (part) => part.prefixPages(prefix, pageSize)),
  }
}

/** A window store over its parts. */
export function windowsOver(name: string, parts: Parts<ReadOnlyWindowStore<unknown, unknown>>): ReadOnlyWindowStore<unknown, unknown> {
  return {
    ...lookedUp(name, parts),
    fetch: (key, range?: TimeRange) => oneAfterTheOther(parts, (part) => part.fetch(key, range)),
    fetchBatch: (keys, range?: TimeRange) => ofEach(parts, keys, (part) => part.fetchBatch(keys, range)),
    fetchAllPages: (range?: TimeRange, pageSize?: number) => oneAfterTheOther(parts, (part) => part.fetchAllPages(range, pageSize)),
  }
}

/** A session store over its parts. */
export function sessionsOver(name: string, parts: Parts<ReadOnlySessionStore<unknown, unknown>>): ReadOnlySessionStore<unknown, unknown> {
  return {
    ...lookedUp(name, parts),
    findSessions: (key, range?: SessionRange) => oneAfterTheOther(parts, (part) => part.findSessions(key, range)),
    findSessionsBatch: (keys, range?: SessionRange) => ofEach(parts, keys, (part) => part.findSessionsBatch(keys, range)),
    fetchAllPages: (range?: TimeRange, pageSize?: number) => oneAfterTheOther(parts, (part) => part.fetchAllPages(range, pageSize)),
  }
}

function lookedUp(name: string, parts: Parts<Looked>) {
  const getBatch = async (keys: readonly unknown[]): Promise<unknown[]> => {
    const answers = await Promise.all(parts().map((part) => part.getBatch(keys)))
    return keys.map((_, i) => answers.map((answer) => answer[i]).find((value) => value !== undefined))
  }
  return {
    name,
    getBatch,
    get: async (key: unknown) => (await getBatch([key]))[0],
    async approximateSize() {
      const sizes = await Promise.all(parts().map((part) => part.approximateSize()))
      return sizes.reduce((sum, size) => sum + size, 0)
    },
  }
}

async function* oneAfterTheOther<Part, T>(parts: Parts<Part>, read: (part: Part) => AsyncIterable<T>): AsyncGenerator<T> {
  for (const part of parts()) yield* read(part)
}

async function ofEach<Part, T>(
  parts: Parts<Part>,
  keys: readonly unknown[],
  read: (part: Part) => Promise<(readonly T[])[]>,
): Promise<(readonly T[])[]> {
  const answers = await Promise.all(parts().map(read))
  return keys.map((_, i) => answers.flatMap((answer) => answer[i] ?? []))
}
