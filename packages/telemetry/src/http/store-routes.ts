import {
  MillraceError,
  type AnyStoreDefinition,
  type ReadOnlySessionStore,
  type ReadOnlyStore,
  type ReadOnlyWindowStore,
  type Serde,
  type Topology,
} from '@millrace/core'
import type { ObservedApp } from '../observed-app.ts'
import { type Answer, json, jsonText, Refusal } from './answer.ts'
import { bytesOfBase64, keyOf, keyOfBase64 } from './key-text.ts'

/** Entries of one answer. */
const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1_000
/** Bytes of one answer, roughly, unless a single entry has more. */
const MAX_BYTES = 4_194_304
/** Entries that are read at a time: what is large is not to be read only to be left out. */
const PAGE = 64
const RETRY = { 'retry-after': '1' }

type Defined = AnyStoreDefinition & { readonly key: Serde<unknown>; readonly value: Serde<unknown> }
type Entries = AsyncIterable<readonly (readonly [unknown, unknown])[]>

export interface StoreRoutesOptions {
  readonly topology: Topology
  readonly app: () => ObservedApp
}

/** Reads state: one key, a range, a prefix. Only what is committed, and only of this process. */
export class StoreRoutes {
  readonly #topology: Topology
  readonly #app: () => ObservedApp

  constructor({ topology, app }: StoreRoutesOptions) {
    this.#topology = topology
    this.#app = app
  }

  /** `/stores` */
  async list(): Promise<Answer> {
    const sizes = await this.#app().inspect.stores()
    const stores = this.#topology.stores.map((store) => {
      const { name, shape, key, value } = store as Defined
      const tasks = sizes
        .filter((size) => size.store === name)
        .map(({ task, entries, uncommittedBytes }) => ({ task, entries, uncommittedBytes }))
      return { name, shape, key: key.name, value: value.name, tasks }
    })
    return json({ stores })
  }

  /** `/stores/NAME/KEY`, and `/stores/NAME?...` */
  async query(name: string, key: string | undefined, query: URLSearchParams): Promise<Answer> {
    const definition = this.#topology.stores.find((store) => store.name === name) as Defined | undefined
    if (definition === undefined) {
      const names = this.#topology.stores.map((store) => store.name)
      throw new Refusal(404, `The topology has no store '${name}'; it has ${names.length === 0 ? 'none' : names.join(', ')}.`)
    }
    try {
      const asked = askedKey(definition, key, query)
      return asked === undefined ? await this.#scan(definition, query) : await this.#one(definition, asked.key, query)
    } catch (error) {
      if (error instanceof MillraceError && error.retryable) throw new Refusal(503, error.message, { code: error.code }, RETRY)
      throw error
    }
  }

  async #one(definition: Defined, key: unknown, query: URLSearchParams): Promise<Answer> {
    const limit = limitOf(query)
    const store = this.#open(definition, query)
    const { name, shape } = definition
    if (shape === 'window' || shape === 'session') {
      const range = timesOf(query)
      const found =
        shape === 'window'
          ? (store as ReadOnlyWindowStore<unknown, unknown>).fetch(key, range)
          : (store as ReadOnlySessionStore<unknown, unknown>).findSessions(key, {
              earliestEnd: range.from,
              latestStart: range.to,
              reverse: range.reverse,
            })
      const { entries, more } = await firstOf(onePage(found), limit)
      if (entries.length === 0) await this.#elsewhere(name, key)
      return json({ store: name, key, entries, more })
    }
    const value = await (store as ReadOnlyStore<unknown, unknown>).get(key)
    if (value !== undefined) return json({ store: name, key, value })
    await this.#elsewhere(name, key)
    throw new Refusal(404, `Store '${name}' has no such key.`)
  }

  /** Says where a key is that is not here; returns if it would be here. */
  async #elsewhere(store: string, key: unknown): Promise<void> {
    const { here, task, partition, member } = await this.#app().inspect.locate(store, key)
    if (here) return
    // Who has it is yet to be found out: it may be this process.
    if (member === undefined || this.#app().health().state === 'rebalancing')
      throw new Refusal(503, `This key of store '${store}' is on its way from one process to another.`, { task, partition }, RETRY)
    const at = member.address
    const where = at ?? `${member.clientId}, which advertises no address`
    throw new Refusal(421, `This key of store '${store}' is in another process: ${where}.`, {
      task,
      partition,
      clientId: member.clientId,
      host: member.host,
      ...(at !== undefined && { address: at }),
    })
  }

  async #scan(definition: Defined, query: URLSearchParams): Promise<Answer> {
    refuseIgnored(definition, query)
    const limit = limitOf(query)
    const store = this.#open(definition, query)
    const { name, shape, key } = definition
    const pageSize = Math.min(limit + 1, PAGE)
    let pages: Entries
    if (shape === 'window' || shape === 'session') {
      const { from, to, reverse } = timesOf(query)
      pages = (store as ReadOnlyWindowStore<unknown, unknown> | ReadOnlySessionStore<unknown, unknown>).fetchAllPages(
        { from, to, reverse },
        pageSize,
      )
    } else if (query.has('prefix') || query.has('prefixBase64')) {
      const prefix = query.get('prefixBase64')
      const bytes = prefix === null ? new TextEncoder().encode(query.get('prefix') ?? '') : bytesOfBase64(prefix)
      pages = (store as ReadOnlyStore<unknown, unknown>).prefixPages(bytes, pageSize)
    } else {
      const bound = (end: string) => (query.has(end) ? keyOf(key, query.get(end) ?? '') : undefined)
      pages = (store as ReadOnlyStore<unknown, unknown>).rangePages(
        { from: bound('from'), to: bound('to'), reverse: flag(query, 'reverse') },
        pageSize,
      )
    }
    const { entries, more } = await firstOf(pages, limit)
    return json({ store: name, entries, more })
  }

  #open(definition: Defined, query: URLSearchParams): unknown {
    return this.#app().store(definition, { whileRestoring: flag(query, 'stale') ? 'serve' : 'refuse' })
  }
}

/** What would have no effect is not taken: the answer would look as if it had. */
function refuseIgnored({ shape }: Defined, query: URLSearchParams): void {
  if (!query.has('prefix') && !query.has('prefixBase64')) return
  if (shape === 'window' || shape === 'session')
    throw new Refusal(400, 'A prefix is of keys, and the keys of this store are windows: use from and to, which are times.')
  const beside = ['from', 'to', 'reverse'].filter((name) => query.has(name))
  if (beside.length > 0) throw new Refusal(400, `A prefix is read forwards, and whole: leave out ${beside.join(', ')}.`)
}

function askedKey({ key: serde }: Defined, key: string | undefined, query: URLSearchParams): { readonly key: unknown } | undefined {
  const base64 = query.get('keyBase64')
  if (base64 !== null) return { key: keyOfBase64(serde, base64) }
  const text = key ?? query.get('key')
  return text === null ? undefined : { key: keyOf(serde, text) }
}

function flag(query: URLSearchParams, name: string): boolean {
  const value = query.get(name)
  if (value === null || value === 'false') return false
  if (value === 'true' || value === '') return true
  throw new Refusal(400, `${name} is '${value}'; use true or false.`)
}

function limitOf(query: URLSearchParams): number {
  const text = query.get('limit')
  const limit = text === null ? DEFAULT_LIMIT : Number(text)
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    throw new Refusal(400, `limit is '${text}'; use a whole number from 1 to ${MAX_LIMIT}.`)
  return limit
}

/** Of windows and sessions: milliseconds since the epoch. */
function timesOf(query: URLSearchParams): { from: number | undefined; to: number | undefined; reverse: boolean } {
  const time = (name: string) => {
    const text = query.get(name)
    if (text === null) return undefined
    const ms = /^\d+$/.test(text) ? Number(text) : Date.parse(text)
    if (!Number.isSafeInteger(ms)) throw new Refusal(400, `${name} is '${text}'; use milliseconds since 1970, or an ISO date.`)
    return ms
  }
  return { from: time('from'), to: time('to'), reverse: flag(query, 'reverse') }
}

async function* onePage(entries: AsyncIterable<readonly [unknown, unknown]>): Entries {
  for await (const entry of entries) yield [entry]
}

async function firstOf(pages: Entries, limit: number): Promise<{ entries: { key: unknown; value: unknown }[]; more: boolean }> {
  const entries: { key: unknown; value: unknown }[] = []
  let bytes = 0
  for await (const page of pages) {
    for (const [key, value] of page) {
      if (entries.length === limit) return { entries, more: true }
      bytes += Buffer.byteLength(jsonText({ key, value }))
      if (entries.length > 0 && bytes > MAX_BYTES) return { entries, more: true }
      entries.push({ key, value })
    }
  }
  return { entries, more: false }
}
