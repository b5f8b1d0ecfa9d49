import {
  type ByteRange,
  type BytesColumn,
  METADATA_KEY,
  type MillraceError,
  type StoreBackend,
  type StoreCapabilities,
  type StoreChange,
  storedKey,
  type StoreRow,
  userKey,
} from '@millrace/core'
import type { ClassicLevel, Iterator } from 'classic-level'
import { noteDamage, writeMark } from './leveldb-contents.ts'
import { readFailed, writeFailed } from './leveldb-errors.ts'
import { offHeap, Showcase } from './off-heap.ts'

type Database = ClassicLevel<Uint8Array, Uint8Array>
type ChainedBatch = ReturnType<Database['batch']>
type Rows = Iterator<Database, Uint8Array, Uint8Array>

/** So many rows, or a full page, tell how large a row is; a store with fewer is counted. */
const SAMPLE_ROWS = 1_000
const NOTHING = new Uint8Array(0)
const FIRST_KEY = new Uint8Array(0)
const LAST_KEY = new Uint8Array(32).fill(0xff)
/** A page of 1,000 rows is to be one hop to another thread (the default, 16 KiB, makes dozens of it), but large values must not fill the memory. */
const PAGE_BYTES = 1_048_576

export interface LevelDbStoreParts {
  readonly database: Database
  readonly folder: string
  /** The number of the last write; see `writeMark`. */
  readonly lastWrite: number
}

/** One store in one LevelDB database. */
export class LevelDbStoreBackend implements StoreBackend {
  readonly capabilities: StoreCapabilities = { access: 'sync', persistent: true }
  readonly #database: Database
  readonly #folder: string
  readonly #shownKey = new Showcase()
  readonly #shownValue = new Showcase()
  /** The number of the last write that took effect. */
  #lastWrite: number
  /** The writes that were begun; they take effect in this order. */
  #writing: Promise<unknown> = Promise.resolve()

  constructor({ database, folder, lastWrite }: LevelDbStoreParts) {
    this.#database = database
    this.#folder = folder
    this.#lastWrite = lastWrite
  }

  get(key: Uint8Array): Uint8Array | undefined {
    try {
      return this.#database.getSync(this.#shownKey.show(storedKey(key)))
    } catch (error) {
      throw this.#noted(readFailed(this.#folder, error))
    }
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    try {
      return await this.#database.getMany(offHeap(keys.map(storedKey)) as Uint8Array[])
    } catch (error) {
      throw this.#noted(readFailed(this.#folder, error))
    }
  }

  write(changes: readonly StoreChange[], metadata?: Uint8Array, synced = false): Promise<void> {
    const put = (batch: ChainedBatch): void => {
      for (const { key, value } of changes) this.#put(batch, storedKey(key), value)
    }
    return this.#write(changes.length, put, metadata, synced)
  }

  writeColumns(keys: BytesColumn, values: BytesColumn, metadata?: Uint8Array, synced = false): Promise<void> {
    const put = (batch: ChainedBatch): void => {
      for (let i = 0; i < keys.length; i++) {
        const shown = this.#shownKey.showAt(keys, i) as Uint8Array
        const key = storedKey(shown)
        const value = this.#shownValue.showAt(values, i)
        if (value === null) batch.del(key)
        else batch.put(key, value)
      }
    }
    return this.#write(keys.length, put, metadata, synced)
  }

  async #write(count: number, put: (batch: ChainedBatch) => void, metadata: Uint8Array | undefined, synced: boolean): Promise<void> {
    if (count === 0 && metadata === undefined) return
    try {
      // A chained batch costs about half of one made of operation objects.
      const batch = this.#database.batch()
      put(batch)
      if (metadata !== undefined) batch.put(METADATA_KEY, metadata)
      const written = this.#writing.then(() => this.#writeNext(batch, synced))
      this.#writing = written.catch(() => undefined)
      await written
    } catch (error) {
      throw this.#noted(writeFailed(this.#folder, error))
    }
  }

  /** The library copies what it is given before it returns. */
  #put(batch: ChainedBatch, key: Uint8Array, value: Uint8Array | undefined): void {
    const shown = this.#shownKey.show(key)
    if (value === undefined) batch.del(shown)
    else batch.put(shown, this.#shownValue.show(value))
  }

  async #writeNext(batch: ChainedBatch, synced: boolean): Promise<void> {
    const last = this.#lastWrite
    batch.del(writeMark(last)).put(writeMark(last + 1), NOTHING)
    await batch.write({ sync: synced })
    this.#lastWrite = last + 1
  }

  /** Damage is remembered in the folder, so that it is not opened again. */
  #noted(error: MillraceError): MillraceError {
    if (error.code === 'STORE_CORRUPT') noteDamage(this.#folder, error.message)
    return error
  }

  async metadata(): Promise<Uint8Array | undefined> {
    try {
      return await this.#database.get(METADATA_KEY)
    } catch (error) {
      throw this.#noted(readFailed(this.#folder, error))
    }
  }

  scan(range: ByteRange, pageSize: number): AsyncIterable<readonly StoreRow[]> {
    // The iterator takes its snapshot here, not when it is first read.
    return this.#pages(this.#iterator(range), pageSize)
  }

  /** By the size of the files: LevelDB keeps no count. Changes that are only in its log file count little. */
  async approximateSize(): Promise<number> {
    let rows = 0
    let bytes = 0
    for await (const page of this.scan({}, SAMPLE_ROWS)) {
      rows += page.length
      for (const [key, value] of page) bytes += key.byteLength + value.byteLength
      if (rows < SAMPLE_ROWS && bytes < PAGE_BYTES) continue
      const size = await this.#sizeOnDisk()
      return Math.max(rows, Math.round((size * rows) / bytes))
    }
    return rows
  }

  async close(): Promise<void> {
    await this.#database.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #sizeOnDisk(): Promise<number> {
    try {
      return await this.#database.approximateSize(FIRST_KEY, LAST_KEY)
    } catch (error) {
      throw this.#noted(readFailed(this.#folder, error))
    }
  }

  #iterator({ gte, lt, reverse = false }: ByteRange): Rows {
    try {
      return this.#database.iterator({
        ...(gte === undefined ? {} : { gte: storedKey(gte) }),
        ...(lt === undefined ? {} : { lt: storedKey(lt) }),
        reverse,
        highWaterMarkBytes: PAGE_BYTES,
      })
    } catch (error) {
      throw this.#noted(readFailed(this.#folder, error))
    }
  }

  async *#pages(iterator: Rows, pageSize: number): AsyncGenerator<readonly StoreRow[]> {
    try {
      for (;;) {
        const page = await this.#nextRows(iterator, pageSize)
        if (page.length === 0) return
        yield page
      }
    } finally {
      await iterator.close()
    }
  }

  /** At least one row, and at most `count`, unless the end is reached; without the store's own. */
  async #nextRows(iterator: Rows, count: number): Promise<StoreRow[]> {
    const page: StoreRow[] = []
    try {
      while (page.length === 0) {
        const rows = await iterator.nextv(count)
        if (rows.length === 0) break
        for (const [stored, value] of rows) {
          const key = userKey(stored)
          if (key !== undefined) page.push([key, value])
        }
      }
    } catch (error) {
      throw this.#noted(readFailed(this.#folder, error))
    }
    return page
  }
}
