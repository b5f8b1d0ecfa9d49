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
import { guardedScan } from './guarded-scan.ts'
import { LoadedKeys } from './loaded-keys.ts'
import { SingleKey } from './single-key.ts'
import type { Change, Content, KeyColumn } from './slot-table.ts'
import { checkKeys, checkUpdate, columnsOf } from './store-arguments.ts'
import { byteRange, checkPageSize, decodeRows, DEFAULT_PAGE_SIZE, type Page } from './store-pages.ts'
import type { Contents, StoreCodec } from './store-codec.ts'
import type { StoreLayers } from './store-layers.ts'

export interface HandleAccess {
  readonly name: string
  readonly codec: StoreCodec
  readonly layers: StoreLayers
  /** Throws when the task's epoch is over. */
  readonly guard: () => void
  /** The timestamp that changes get. */
  readonly timestamp: () => number
}

/** What is to be updated: each key once, its value, and for each position that was asked for which of them it is. */
interface Current {
  readonly positions: Int32Array
  /** A row of each key. */
  readonly rows: number[]
  /** The slot of each key, -1 if it has none; as long as no numbers of slots have changed. */
  readonly slots: number[]
  readonly removals: number
  readonly values: unknown[]
  /** Which of the keys have to be read first. */
  readonly missing: number[]
}

/** What processors use: typed access to the layers of one store. */
export class BatchStoreHandle implements BatchKeyValueStore<unknown, unknown> {
  readonly name: string
  readonly #access: HandleAccess
  /** The change that is being written. */
  readonly #change: Change = { content: undefined, decoded: undefined, timestamp: 0, bytes: 0 }
  readonly #single = new SingleKey()

  constructor(access: HandleAccess) {
    this.name = access.name
    this.#access = access
  }

  async getBatch(keys: readonly unknown[]): Promise<unknown[]> {
    const { codec, layers, guard } = this.#access
    guard()
    checkKeys(this.name, 'getBatch', keys)
    const column = codec.keyColumn(keys)
    const { table } = layers
    const values = new Array<unknown>(keys.length)
    const missing: number[] = []
    for (let i = 0; i < values.length; i++) {
      const slot = table.find(column, i)
      if (slot >= 0) values[i] = codec.valueAt(table, slot)
      else missing.push(i)
    }
    if (missing.length === 0) return values
    await this.#loadMany(column, missing, (i, slot, value) => {
      values[missing[i] as number] = this.valueOf(slot, value)
    })
    return values
  }

  set(key: unknown, value: unknown): void {
    const { codec, layers } = this.#access
    this.checkWritable()
    const keyBytes = codec.keyBytes(key)
    const content = codec.content(value)
    this.#change.timestamp = this.#access.timestamp()
    codec.fill(this.#change, value, content)
    layers.write(this.#single.of(keyBytes), 0, -1, this.#change)
  }

  setBatch(entries: Iterable<StoreEntry<unknown, unknown>> | StoreColumns<unknown, unknown>): void {
    const { codec, layers } = this.#access
    this.checkWritable()
    const timestamp = this.#access.timestamp()
    const { keys, values } = columnsOf(this.name, entries)
    const column = codec.keyColumn(keys)
    const contents = codec.contents(values)
    // The iterable and the serdes were the user's code, and may have used the store themselves.
    this.checkWritable()
    this.#change.timestamp = timestamp
    for (let i = 0; i < values.length; i++) {
      codec.fill(this.#change, values[i], contents?.[i])
      layers.write(column, i, -1, this.#change)
    }
  }

  async updateBatch(keys: readonly unknown[], update: (value: unknown, index: number) => unknown): Promise<unknown[]> {
    const pass = this.checkWritable()
    checkKeys(this.name, 'updateBatch', keys)
    checkUpdate(this.name, update)
    const timestamp = this.#access.timestamp()
    const column = this.#access.codec.keyColumn(keys)
    let current = this.#current(column)
    if (current.missing.length > 0) {
      const { layers } = this.#access
      // What was read stays here: the cache may be too small for it.
      const loaded = new LoadedKeys()
      do {
        const { changes } = layers
        await this.#load(column, current, loaded)
        // What others have changed meanwhile counts.
        if (layers.changes !== changes) current = this.#current(column, loaded)
        else current.missing.length = 0
      } while (current.missing.length > 0)
      if (layers.pass !== pass) {
        throw new TypeError(`Store '${this.name}': updateBatch was called in a pass that has ended since: await it there.`)
      }
    }
    // Without a wait since the keys were looked up: nothing that is changed meanwhile is lost.
    return this.#update(column, current, update, timestamp)
  }

  #update(column: KeyColumn, current: Current, update: (value: unknown, index: number) => unknown, timestamp: number): unknown[] {
    const { codec, layers } = this.#access
    const { positions, values, rows, slots } = current
    const updated = new Array<unknown>(positions.length)
    let met = 0
    for (let i = 0; i < positions.length; i++) {
      const position = positions[i] as number
      const value = values[position]
      // Positions are given in the order in which keys are met. One that comes again is read as if it had been written in between.
      updated[i] = values[position] = update(position === met ? value : codec.readAgain(value), i)
      if (position === met) met++
    }
    const contents: Contents = met < updated.length ? codec.lastContents(values, updated) : codec.contents(values)
    // The function and the serdes were the user's code, and may have used the store themselves.
    this.checkWritable()
    this.#change.timestamp = timestamp
    for (let i = 0; i < rows.length; i++) {
      codec.fill(this.#change, values[i], contents?.[i])
      const slot = layers.table.removals === current.removals ? (slots[i] as number) : -1
      layers.write(column, rows[i] as number, slot, this.#change)
    }
    return updated
  }

  delete(key: unknown): void {
    const { codec, layers } = this.#access
    this.checkWritable()
    const keyBytes = codec.keyBytes(key)
    layers.write(this.#single.of(keyBytes), 0, -1, this.#deletion(this.#access.timestamp()))
  }

  deleteBatch(keys: Iterable<unknown>): void {
    const { codec, layers } = this.#access
    this.checkWritable()
    const timestamp = this.#access.timestamp()
    const column = codec.keyColumn([...keys])
    this.checkWritable()
    const deletion = this.#deletion(timestamp)
    for (let i = 0; i < column.length; i++) layers.write(column, i, -1, deletion)
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

  async #loadMany(...[keys, rows, onRead]: Parameters<StoreLayers['loadMany']>): Promise<void> {
    const { layers, guard } = this.#access
    try {
      await layers.loadMany(keys, rows, (...read) => {
        // Of a task that was closed meanwhile neither the answer nor the failure means anything.
        guard()
        onRead(...read)
      })
    } finally {
      guard()
    }
  }

  #deletion(timestamp: number): Change {
    this.#change.content = undefined
    this.#change.decoded = undefined
    this.#change.bytes = 0
    this.#change.timestamp = timestamp
    return this.#change
  }

  /** What is to be updated: what is known of it, or else was `loaded`. All is looked up before anything is decoded: serdes are the user's, and may use the store. */
  #current(keys: KeyColumn, loaded?: LoadedKeys): Current {
    const { codec, layers } = this.#access
    const { table } = layers
    const { length } = keys
    const update = table.nextUpdate()
    const positions = new Int32Array(length)
    const rows: number[] = []
    const slots: number[] = []
    const values: unknown[] = []
    const missing: number[] = []
    const undecoded: number[] = []
    const contents: Content[] = []
    let others: LoadedKeys | undefined = loaded
    others?.begin()
    for (let i = 0; i < length; i++) {
      const slot = table.find(keys, i)
      const next = rows.length
      if (slot < 0) others ??= new LoadedKeys()
      const position = slot < 0 ? (others as LoadedKeys).meet(keys, i, next) : table.meet(slot, update, next)
      positions[i] = position
      if (position < next) continue
      rows.push(i)
      slots.push(slot)
      const known = slot < 0 ? undefined : table.decodedOf(slot)
      values.push(known)
      if (known !== undefined) continue
      if (slot < 0 && others?.has(keys, i) !== true) {
        missing.push(next)
        continue
      }
      undecoded.push(next)
      contents.push(slot < 0 ? others?.contentOf(keys, i) : table.contentOf(slot))
    }
    const current = { positions, rows, slots, removals: table.removals, values, missing }
    for (const [i, position] of undecoded.entries()) values[position] = codec.decodeAt(table, slots[position] as number, contents[i])
    return current
  }

  /** Reads what is missing, and puts it in, as if nothing else had changed. */
  async #load(keys: KeyColumn, { missing, rows, slots, values }: Current, loaded: LoadedKeys): Promise<void> {
    const wanted = missing.map((position) => rows[position] as number)
    await this.#loadMany(keys, wanted, (i, slot, value) => {
      const position = missing[i] as number
      loaded.hold(keys, wanted[i] as number, value)
      slots[position] = slot
      values[position] = this.valueOf(slot, value)
    })
  }

  /** The value of what was just read, and of its slot, if it has one. */
  valueOf(slot: number, value: Uint8Array | undefined): unknown {
    const { codec, layers } = this.#access
    if (slot >= 0) return codec.valueAt(layers.table, slot)
    return value === undefined ? undefined : codec.decode(value)
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
  readonly #single = new SingleKey()

  constructor(access: HandleAccess) {
    super(access)
    this.#access = access
  }

  get(key: unknown): unknown {
    const { codec, layers, guard } = this.#access
    guard()
    const keyColumn = this.#single.of(codec.keyBytes(key))
    const known = layers.table.find(keyColumn, 0)
    if (known >= 0) return codec.valueAt(layers.table, known)
    const { slot, value } = layers.load(keyColumn, 0)
    return this.valueOf(slot, value)
  }
}

async function* decodedPages(scan: AsyncIterable<readonly StoreRow[]>, { codec, guard }: HandleAccess): AsyncGenerator<Page> {
  for await (const rows of guardedScan(scan, guard)) yield decodeRows(rows, codec)
}

async function* entriesOf(pages: AsyncIterable<Page>): AsyncGenerator<StoreEntry<unknown, unknown>> {
  for await (const page of pages) yield* page
}
