import { compareBytes, type SingleOperationBackend, type StoreRow } from '@millrace/core'

/** The least somebody might write: a map whose rows are sorted when they are asked for, and read from it as late as they can be. */
export function mapBackend(contents: Map<string, Uint8Array> = new Map()): SingleOperationBackend {
  return {
    capabilities: { access: 'sync', persistent: false },
    get: (key) => contents.get(idOf(key)),
    set: (key, value) => void contents.set(idOf(key), value),
    delete: (key) => void contents.delete(idOf(key)),
    *rows({ gte, lt, reverse }) {
      const keys = [...contents.keys()].map((id) => new Uint8Array(Buffer.from(id, 'latin1'))).toSorted(compareBytes)
      for (const key of reverse === true ? keys.toReversed() : keys) {
        if (gte !== undefined && compareBytes(key, gte) < 0) continue
        if (lt !== undefined && compareBytes(key, lt) >= 0) continue
        const value = contents.get(idOf(key))
        if (value !== undefined) yield [key, value] satisfies StoreRow
      }
    },
  }
}

/** The same behind a connection, as it were: each operation takes a turn of the event loop. What it holds outlives it. */
export function remoteBackend(contents: Map<string, Uint8Array>): SingleOperationBackend {
  const near = mapBackend(contents)
  return {
    capabilities: { access: 'async', persistent: true },
    get: (key) => later(() => near.get(key) as Uint8Array | undefined),
    set: (key, value) => later(() => void near.set(key, value)),
    delete: (key) => later(() => void near.delete(key)),
    async *rows(range) {
      for (const row of near.rows(range) as Iterable<StoreRow>) yield await later(() => row)
    },
  }
}

function later<T>(answer: () => T): Promise<T> {
  return new Promise((resolve) => {
    setImmediate(() => resolve(answer()))
  })
}

function idOf(key: Uint8Array): string {
  return Buffer.from(key).toString('latin1')
}
