import {
  afterPrefix,
  type BatchKeyValueStore,
  type ByteRange,
  type KeyRange,
  type KeyValueStore,
  type StoreColumns,
  type StoreEntry,
  type StoreRow,
} from '@millrace/core'
import { type Entry, type Moment, newEntry, NO_MOMENT } from './entry.ts'
import { guardedScan } from './guarded-scan.ts'
import { checkKeys, checkUpdate, columnsOf } from './store-arguments.ts'
import { byteRange, checkPageSize, decodeRows, DEFAULT_PAGE_SIZE, type Page } from './store-pages.ts'
import type { Contents, StoreCodec } from './store-codec.ts'
import { looseSlot, type Slot } from './slot-table.ts'
import { entryIn, type StoreLayers } from './store-layers.ts'

export interface HandleAccess {
  readonly name: string
  readonly codec: StoreCodec
  readonly layers: StoreLayers
  /** Throws when the task's epoch is over. */
  readonly guard: () => void
  /** The timestamp that changes get. */
  readonly timestamp: () => number
}

/** A key that is to be written. */
interface Place {
  readonly id: unknown
  readonly slot: Slot | undefined
  readonly keyBytes: Uint8Array
}

/** The same of many keys, as columns. */
interface Places {
  readonly ids: readonly unknown[]
  readonly slots: readonly (Slot | undefined)[]
  readonly keyBytes: readonly Uint8Array[]
}

/** What stands for keys in the layers, and their bytes where they had to be made for that. */
interface Ids {
  readonly ids: readonly unknown[]
  readonly keyBytes: readonly Uint8Array[] | undefined
}

const NONE: ReadonlyMap<unknown, number> = new Map()

/** What is to be updated: each key once, its value, and for each position that was asked for which of them it is. */
interface Current {
  readonly places: Places & { readonly ids: unknown[]; readonly slots: (Slot | undefined)[]; readonly keyBytes: Uint8Array[] }
  readonly positions: Int32Array
  readonly values: unknown[]
  /** Which of the keys have to be read first, by what stands for them. */
  readonly missing: ReadonlyMap<unknown, number>
}

/** What processors use: typed access to the layers of one store. */
export class BatchStoreHandle implements BatchKeyValueStore<unknown, unknown> {
  readonly name: string
  readonly #access: HandleAccess
  /** The change that is being written. */
  readonly #change = newEntry(new Uint8Array(0), undefined)
  #lastMoment = NO_MOMENT

  constructor(access: HandleAccess) {
    this.name = access.name
    this.#access = access
  }

  async getBatch(keys: readonly unknown[]): Promise<unknown[]> {
    const { codec, layers, guard } = this.#access
    guard()
    checkKeys(this.name, 'getBatch', keys)
    const values = new Array<unknown>(keys.length)
    const missing: number[] = []
    const missingIds: unknown[] = []
    const missingKeys: Uint8Array[] = []
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]
      const bytes = codec.identity ? undefined : codec.keyBytes(key)
      const id = bytes === undefined ? key : codec.idOf(key, bytes)
      const entry = layers.known(id)
      if (entry !== undefined) values[i] = codec.valueOf(entry)
      else {
        missing.push(i)
        missingIds.push(id)
        missingKeys.push(bytes ?? codec.keyBytes(key))
      }
    }
    if (missing.length === 0) return values
    const loaded = await this.#loadMany(missingIds, missingKeys)
    for (let i = 0; i < missing.length; i++) values[missing[i] as number] = codec.valueOf(loaded[i] as Entry)
    return values
  }

  set(key: unknown, value: unknown): void {
    const { codec, layers } = this.#access
    this.checkWritable()
    const { id, slot, keyBytes } = this.#place(key)
    const content = codec.content(value)
    this.#change.renew(keyBytes, this.#moment())
    codec.fill(this.#change, value, content)
    layers.write(id, slot, this.#change)
  }

  setBatch(entries: Iterable<StoreEntry<unknown, unknown>> | StoreColumns<unknown, unknown>): void {
    this.checkWritable()
    const moment = this.#moment()
    const { keys, values } = columnsOf(this.name, entries)
    this.#writeAll(this.#places(keys), values, this.#access.codec.contents(values), moment)
  }

  async updateBatch(keys: readonly unknown[], update: (value: unknown, index: number) => unknown): Promise<unknown[]> {
    const pass = this.checkWritable()
    checkKeys(this.name, 'updateBatch', keys)
    checkUpdate(this.name, update)
    const moment = this.#moment()
    const asked = this.#idsOf(keys)
    let current = this.#current(asked)
    if (current.missing.size > 0) {
      const { layers } = this.#access
      // A copy of the keys: the array is the user's.
      const copy = { ...asked, ids: asked.ids.slice() }
      // What was read stays here: the cache may be too small for it.
      const loaded = new Map<unknown, Slot>()
      do {
        const { changes } = layers
        await this.#load(current, loaded)
        // What others have changed meanwhile counts.
        current = layers.changes === changes ? this.#filled(current, loaded) : this.#current(copy, loaded)
      } while (current.missing.size > 0)
      if (layers.pass !== pass) {
        throw new TypeError(`Store '${this.name}': updateBatch was called in a pass that has ended since: await it there.`)
      }
    }
    // Without a wait since the keys were looked up: nothing that is changed meanwhile is lost.
    return this.#update(current, update, moment)
  }

  #update({ places, positions, values }: Current, update: (value: unknown, index: number) => unknown, moment: Moment): unknown[] {
    const { codec } = this.#access
    const updated = new Array<unknown>(positions.length)
    let met = 0
    for (let i = 0; i < positions.length; i++) {
      const position = positions[i] as number
      const value = values[position]
      // Positions are given in the order in which keys are met. One that comes again is read as if it had been written in between.
      updated[i] = values[position] = update(position === met ? value : codec.readAgain(value), i)
      if (position === met) met++
    }
    this.#writeAll(places, values, met < updated.length ? codec.lastContents(values, updated) : codec.contents(values), moment)
    return updated
  }

  #writeAll({ ids, slots, keyBytes }: Places, values: readonly unknown[], contents: Contents, moment: Moment): void {
    const { codec, layers } = this.#access
    // The iterable and the serdes were the user's code, and may have used the store themselves.
    this.checkWritable()
    for (let i = 0; i < ids.length; i++) {
      this.#change.renew(keyBytes[i] as Uint8Array, moment)
      codec.fill(this.#change, values[i], contents?.[i])
      layers.write(ids[i], slots[i], this.#change)
    }
  }

  delete(key: unknown): void {
    const { layers } = this.#access
    this.checkWritable()
    const { id, slot, keyBytes } = this.#place(key)
    this.#change.renew(keyBytes, this.#moment())
    layers.write(id, slot, this.#change)
  }

  deleteBatch(keys: Iterable<unknown>): void {
    const { layers } = this.#access
    this.checkWritable()
    const moment = this.#moment()
    const { ids, slots, keyBytes } = this.#places([...keys])
    this.checkWritable()
    for (let i = 0; i < ids.length; i++) {
      this.#change.renew(keyBytes[i] as Uint8Array, moment)
      layers.write(ids[i], slots[i], this.#change)
    }
  }

  range(range: KeyRange<unknown>): AsyncIterableIterator<StoreEntry<unknown, unknown>> {
    return entriesOf(this.rangePages(range))
  }

  prefixScan(prefix: Uint8Array): AsyncIterableIterator<StoreEntry<unknown, unknown>> {
    return entriesOf(this.prefixPages(prefix))
  }

  all(): AsyncIterableIterator<StoreEntry<unknown, unknown>> {
    return this.range({})
  }

  rangePages(range: KeyRange<unknown>, pageSize = DEFAULT_PAGE_SIZE): AsyncIterable<Page> {
    return this.#pages(byteRange(range, this.#access.codec), pageSize)
  }

  prefixPages(prefix: Uint8Array, pageSize = DEFAULT_PAGE_SIZE): AsyncIterable<Page> {
    return this.#pages({ gte: new Uint8Array(prefix), lt: afterPrefix(prefix) }, pageSize)
  }

  approximateSize(): Promise<number> {
    this.#access.guard()
    return this.#access.layers.approximateSize()
  }

  #pages(range: ByteRange, pageSize: number): AsyncIterable<Page> {
    this.#access.guard()
    checkPageSize(this.name, pageSize)
    return decodedPages(this.#access.layers.scan(range, pageSize), this.#access)
  }

  async #loadMany(ids: readonly unknown[], keys: readonly Uint8Array[]): Promise<Entry[]> {
    const { layers, guard } = this.#access
    try {
      return await layers.loadMany(ids, keys)
    } finally {
      // Of a task that was closed meanwhile neither the answer nor the failure means anything.
      guard()
    }
  }

  /** Where a key is to be written. One that was read before, as most that are written were, need not be serialised again. */
  #place(key: unknown): Place {
    const { codec, layers } = this.#access
    if (codec.identity) {
      const slot = layers.find(key)
      const known = slot === undefined ? undefined : entryIn(slot)
      return { id: key, slot, keyBytes: known === undefined ? codec.keyBytes(key) : known.key }
    }
    const keyBytes = codec.keyBytes(key)
    return { id: codec.idOf(key, keyBytes), slot: undefined, keyBytes }
  }

  #places(keys: readonly unknown[]): Places {
    const { codec, layers } = this.#access
    const count = keys.length
    const slots = new Array<Slot | undefined>(count)
    const made = this.#idsOf(keys)
    if (made.keyBytes !== undefined) return { ids: made.ids, slots, keyBytes: made.keyBytes }
    const keyBytes = new Array<Uint8Array>(count)
    for (let i = 0; i < count; i++) {
      const key = keys[i]
      const slot = layers.find(key)
      slots[i] = slot
      const known = slot === undefined ? undefined : entryIn(slot)
      keyBytes[i] = known === undefined ? codec.keyBytes(key) : known.key
    }
    return { ids: keys, slots, keyBytes }
  }

  /** Keys that stand for themselves are not copied. */
  #idsOf(keys: readonly unknown[]): Ids {
    const { codec } = this.#access
    if (codec.identity) return { ids: keys, keyBytes: undefined }
    const keyBytes = keys.map((key) => codec.keyBytes(key))
    return { ids: keys.map((key, i) => codec.idOf(key, keyBytes[i] as Uint8Array)), keyBytes }
  }

  /** What is to be updated: what is known of it, or else was `loaded`. */
  #current({ ids, keyBytes }: Ids, loaded?: ReadonlyMap<unknown, Slot>): Current {
    const { codec, layers } = this.#access
    const count = ids.length
    const number = layers.nextUpdate()
    const positions = new Int32Array(count)
    const places = { ids: new Array<unknown>(count), slots: new Array<Slot | undefined>(count), keyBytes: new Array<Uint8Array>(count) }
    const values = new Array<unknown>(count)
    const missing = new Map<unknown, number>()
    let different = 0
    for (let i = 0; i < count; i++) {
      const id = ids[i]
      const slot = layers.find(id) ?? loaded?.get(id)
      const entry = slot === undefined ? undefined : entryIn(slot)
      if (slot === undefined || entry === undefined) {
        let position = missing.get(id)
        if (position === undefined) {
          position = different++
          missing.set(id, position)
          places.ids[position] = id
          places.keyBytes[position] = keyBytes?.[i] ?? codec.keyBytes(id)
        }
        positions[i] = position
        continue
      }
      if (slot.update !== number) {
        slot.update = number
        slot.position = different
        places.ids[different] = slot.id
        places.slots[different] = slot
        places.keyBytes[different] = entry.key
        values[different] = codec.valueOf(entry)
        different++
      }
      positions[i] = slot.position
    }
    for (const column of [places.ids, places.slots, places.keyBytes, values]) column.length = different
    return { places, positions, values, missing }
  }

  /** Reads what is missing. */
  async #load({ places, missing }: Current, loaded: Map<unknown, Slot>): Promise<void> {
    const ids = [...missing.keys()]
    const keys = Array.from(missing.values(), (position) => places.keyBytes[position] as Uint8Array)
    const entries = await this.#loadMany(ids, keys)
    for (const [i, id] of ids.entries()) loaded.set(id, looseSlot(id, entries[i]))
  }

  /** Puts in what was missing: nothing else has changed. */
  #filled(current: Current, loaded: ReadonlyMap<unknown, Slot>): Current {
    const { codec, layers } = this.#access
    const { places, values, missing } = current
    for (const [id, position] of missing) {
      const slot = layers.find(id)
      places.slots[position] = slot
      values[position] = codec.valueOf((slot && entryIn(slot)) ?? (loaded.get(id)?.clean as Entry))
    }
    return { ...current, missing: NONE }
  }

  /** Of changes made now. */
  #moment(): Moment {
    const timestamp = this.#access.timestamp()
    if (this.#lastMoment.timestamp !== timestamp) this.#lastMoment = { timestamp }
    return this.#lastMoment
  }

  /** Throws unless the task's epoch lasts. */
  checkOpen(): void {
    this.#access.guard()
  }

  /** The pass under way. Throws if there is none, or the task's epoch is over. */
  checkWritable(): number {
    const { guard, layers } = this.#access
    guard()
    if (layers.pass !== undefined) return layers.pass
    throw new TypeError(
      `Store '${this.name}' was changed while its task was processing nothing: change it in process, processBatch, init or a punctuator.`,
    )
  }
}

/** The same over a backend that answers at once. */
export class StoreHandle extends BatchStoreHandle implements KeyValueStore<unknown, unknown> {
  readonly #access: HandleAccess

  constructor(access: HandleAccess) {
    super(access)
    this.#access = access
  }

  get(key: unknown): unknown {
    const { codec, layers, guard } = this.#access
    guard()
    if (codec.identity) return codec.valueOf(layers.known(key) ?? layers.load(key, codec.keyBytes(key)))
    const keyBytes = codec.keyBytes(key)
    const id = codec.idOf(key, keyBytes)
    return codec.valueOf(layers.known(id) ?? layers.load(id, keyBytes))
  }
}

async function* decodedPages(scan: AsyncIterable<readonly StoreRow[]>, { codec, guard }: HandleAccess): AsyncGenerator<Page> {
  for await (const rows of guardedScan(scan, guard)) yield decodeRows(rows, codec)
}

async function* entriesOf(pages: AsyncIterable<Page>): AsyncGenerator<StoreEntry<unknown, unknown>> {
  for await (const page of pages) yield* page
}
