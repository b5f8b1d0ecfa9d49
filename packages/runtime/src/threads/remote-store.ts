import type { KeyRange, StoreDefinition } from '@millrace/core'
import type { QueryOptions } from '../app/query.ts'
import type { MainPort } from './app-thread.ts'
import { type Packed, packingOf, type PackedEntry, type ScanRequest } from './packed-queries.ts'

type Entry = readonly [key: unknown, value: unknown]
type Scanned = Omit<ScanRequest, 'scan' | 'store' | 'options' | 'pageSize'>

let scans = 0

/** What one thread has of a store: see `storeOver`. It has the operations of all shapes; the shape says which are called. */
export function remoteStore(port: MainPort, definition: StoreDefinition, options: QueryOptions): object {
  const request = { store: definition.name, options }
  const packing = packingOf(definition)
  const unpackEntry = ([key, value]: PackedEntry): Entry => [packing.unpackKey(key), packing.unpackValue(value)]
  const rowsOfKeys = async (keys: readonly unknown[], range?: object) => {
    const answer = await port.ask('rowsOfKeys', { ...request, keys: keys.map(packing.packPlain), range })
    return answer.map((entries) => entries.map(unpackEntry))
  }
  async function* pages(scanned: Scanned, pageSize?: number): AsyncGenerator<readonly Entry[]> {
    const scan = ++scans
    const first = await port.ask('scan', { ...request, ...scanned, scan, pageSize })
    let page: readonly PackedEntry[] | undefined = first.entries
    let { done } = first
    try {
      while (page !== undefined) {
        if (page.length > 0) yield page.map(unpackEntry)
        page = done ? undefined : await port.ask('scanOn', scan)
      }
      done = true
    } finally {
      if (!done) port.tell({ type: 'leave-scan', scan })
    }
  }
  async function* entries(scanned: Scanned): AsyncGenerator<Entry> {
    for await (const page of pages(scanned)) yield* page
  }
  return {
    name: definition.name,
    getBatch: async (keys: readonly unknown[]) => {
      const answer = await port.ask('lookUp', { ...request, keys: keys.map(packing.packKey) })
      return answer.map((value) => (value === undefined ? undefined : packing.unpackValue(value)))
    },
    approximateSize: () => port.ask('size', request),
    rangePages: (range: KeyRange<unknown>, pageSize?: number) =>
      pages({ method: 'rangePages', range: withBounds(range, packing.packPlain) }, pageSize),
    prefixPages: (prefix: Uint8Array, pageSize?: number) => pages({ method: 'prefixPages', prefix: new Uint8Array(prefix) }, pageSize),
    fetch: (key: unknown, range?: object) => entries({ method: 'fetch', key: packing.packPlain(key), range }),
    fetchBatch: rowsOfKeys,
    findSessions: (key: unknown, range?: object) => entries({ method: 'findSessions', key: packing.packPlain(key), range }),
    findSessionsBatch: rowsOfKeys,
    fetchAllPages: (range?: object, pageSize?: number) => pages({ method: 'fetchAllPages', range }, pageSize),
  }
}

/** The range with other bounds. */
export function withBounds<From, To>({ from, to, reverse }: KeyRange<From>, bound: (key: From) => To): KeyRange<To> {
  return { ...(from !== undefined && { from: bound(from) }), ...(to !== undefined && { to: bound(to) }), reverse }
}

export type PackedRange = KeyRange<Packed>
