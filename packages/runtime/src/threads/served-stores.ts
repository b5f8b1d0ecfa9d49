import type { AnyStoreDefinition, ReadOnlySessionStore, ReadOnlyStore, ReadOnlyWindowStore, StoreDefinition } from '@millrace/core'
import type { LocalApp } from '../app/local-app.ts'
import type { Answering } from './port.ts'
import type { ThreadCalls } from './messages.ts'
import { type PackedEntry, packingOf, type ScanRequest, type StorePacking, type StoreRequest } from './packed-queries.ts'
import { type PackedRange, withBounds } from './remote-store.ts'

type Entry = readonly [key: unknown, value: unknown]
type Pages = AsyncIterator<readonly Entry[]>
type AnyStore = ReadOnlyStore<unknown, unknown> & ReadOnlyWindowStore<unknown, unknown> & ReadOnlySessionStore<unknown, unknown>
type StoreCalls = Pick<ThreadCalls, 'lookUp' | 'size' | 'rowsOfKeys' | 'scan' | 'scanOn'>

/** Entries of a single key come one by one. */
const PAGE = 1_000

interface OpenScan {
  readonly pages: Pages
  readonly pack: (entry: Entry) => PackedEntry
}

/** In a thread: answers what others ask of its stores. */
export class ServedStores {
  readonly #app: LocalApp
  readonly #definitions: ReadonlyMap<string, AnyStoreDefinition>
  readonly #scans = new Map<number, OpenScan>()

  constructor(app: LocalApp, definitions: readonly AnyStoreDefinition[]) {
    this.#app = app
    this.#definitions = new Map(definitions.map((one) => [one.name, one]))
  }

  readonly calls: Answering<StoreCalls> = {
    lookUp: async (request) => {
      const { store, packing } = this.#open(request)
      const values: readonly unknown[] = await store.getBatch(request.keys.map(packing.unpackKey) as never)
      return values.map((value) => (value === undefined ? undefined : packing.packValue(value)))
    },
    size: (request) => this.#open(request).store.approximateSize(),
    rowsOfKeys: async (request) => {
      const { store, packing, shape } = this.#open(request)
      const keys = request.keys.map(packing.unpackPlain)
      const rows = shape === 'window' ? await store.fetchBatch(keys, request.range) : await store.findSessionsBatch(keys, request.range)
      return rows.map((entries: readonly Entry[]) => entries.map((entry) => packEntry(packing, entry)))
    },
    scan: async (request) => {
      const { store, packing } = this.#open(request)
      const scan = { pages: pagesOf(store, packing, request)[Symbol.asyncIterator](), pack: (entry: Entry) => packEntry(packing, entry) }
      const entries = await next(scan)
      if (entries === undefined) return { entries: [], done: true }
      this.#scans.set(request.scan, scan)
      return { entries, done: false }
    },
    scanOn: async (id) => {
      const scan = this.#scans.get(id)
      const entries = scan && (await next(scan))
      if (entries === undefined) this.#scans.delete(id)
      return entries
    },
  }

  /** Nobody reads it on. */
  leave(id: number): void {
    const scan = this.#scans.get(id)
    this.#scans.delete(id)
    scan?.pages.return?.().catch(() => undefined)
  }

  #open({ store: name, options }: StoreRequest): {
    readonly store: AnyStore
    readonly packing: StorePacking
    readonly shape: StoreDefinition['shape']
  } {
    const definition = this.#definitions.get(name) ?? ({ name } as AnyStoreDefinition)
    // Of whatever shape: who asks knows which.
    const store = this.#app.store(definition, options) as unknown as AnyStore
    return { store, packing: packingOf(definition), shape: definition.shape }
  }
}

function packEntry(packing: StorePacking, [key, value]: Entry): PackedEntry {
  return [packing.packKey(key), packing.packValue(value)]
}

async function next({ pages, pack }: OpenScan): Promise<readonly PackedEntry[] | undefined> {
  const page = await pages.next()
  return page.done === true ? undefined : page.value.map(pack)
}

function pagesOf(store: AnyStore, packing: StorePacking, request: ScanRequest): AsyncIterable<readonly Entry[]> {
  const { method, range, pageSize, prefix = new Uint8Array(), key = { bytes: null } } = request
  switch (method) {
    case 'rangePages':
      return store.rangePages(withBounds(range as PackedRange, packing.unpackPlain), pageSize)
    case 'prefixPages':
      return store.prefixPages(prefix, pageSize)
    case 'fetchAllPages':
      return store.fetchAllPages(range, pageSize)
    case 'fetch':
      return inPages(store.fetch(packing.unpackPlain(key), range))
    case 'findSessions':
      return inPages(store.findSessions(packing.unpackPlain(key), range))
  }
}

async function* inPages(entries: AsyncIterable<Entry>): AsyncGenerator<readonly Entry[]> {
  let page: Entry[] = []
  for await (const entry of entries) {
    page.push(entry)
    if (page.length < PAGE) continue
    yield page
    page = []
  }
  if (page.length > 0) yield page
}
