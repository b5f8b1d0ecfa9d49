import type { ByteRange, StoreBackend, StoreCapabilities, StoreChange, StoreRow } from '@millrace/core'
import type { ClassicLevel } from 'classic-level'
import { readFailed, writeFailed } from './leveldb-errors.ts'
import { METADATA_KEY, storedKey, userKey } from './reserved-keys.ts'

type Database = ClassicLevel<Uint8Array, Uint8Array>

/** One store in one LevelDB database. */
export class LevelDbStoreBackend implements StoreBackend {
  readonly capabilities: StoreCapabilities = { access: 'sync', persistent: true }
  readonly #database: Database
  readonly #folder: string

  constructor(database: Database, folder: string) {
    this.#database = database
    this.#folder = folder
  }

  get(key: Uint8Array): Uint8Array | undefined {
    try {
      return this.#database.getSync(storedKey(key))
    } catch (error) {
      throw readFailed(this.#folder, error)
    }
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    const stored = new Array<Uint8Array>(keys.length)
    for (let i = 0; i < keys.length; i++) stored[i] = storedKey(keys[i] as Uint8Array)
    try {
      return await this.#database.getMany(stored)
    } catch (error) {
      throw readFailed(this.#folder, error)
    }
  }

  async write(changes: readonly StoreChange[], metadata?: Uint8Array): Promise<void> {
    if (changes.length === 0 && metadata === undefined) return
    try {
      // A chained batch costs about half of one made of operation objects.
      const batch = this.#database.batch()
      for (const { key, value } of changes) {
        if (value === undefined) batch.del(storedKey(key))
        else batch.put(storedKey(key), value)
      }
      if (metadata !== undefined) batch.put(METADATA_KEY, metadata)
      await batch.write()
    } catch (error) {
      throw writeFailed(this.#folder, error)
    }
  }

  async metadata(): Promise<Uint8Array | undefined> {
    try {
      return await this.#database.get(METADATA_KEY)
    } catch (error) {
      throw readFailed(this.#folder, error)
    }
  }

  scan({ gte, lt, reverse = false }: ByteRange, pageSize: number): AsyncIterable<readonly StoreRow[]> {
    // The iterator takes its snapshot here, not when it is first read.
    const iterator = this.#database.iterator({
      ...(gte === undefined ? {} : { gte: storedKey(gte) }),
      ...(lt === undefined ? {} : { lt: storedKey(lt) }),
      reverse,
    })
    return pages(iterator, pageSize, this.#folder)
  }

  /** By the size of the files: LevelDB keeps no count. Changes that are only in its log file count little. */
  async approximateSize(): Promise<number> {
    let rows = 0
    let bytes = 0
    for await (const page of this.scan({}, SAMPLE)) {
      for (const [key, value] of page) bytes += key.byteLength + value.byteLength
      rows += page.length
      if (rows < SAMPLE) return rows
      break
    }
    if (rows === 0) return 0
    const size = await this.#database.approximateSize(FIRST_KEY, LAST_KEY)
    return Math.max(rows, Math.round(size / (bytes / rows)))
  }

  async close(): Promise<void> {
    await this.#database.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/** How many rows tell how large a row is; a store with fewer is counted. */
const SAMPLE = 1_000
const FIRST_KEY = new Uint8Array(0)
const LAST_KEY = new Uint8Array(32).fill(0xff)

/** What is used of a LevelDB iterator. */
interface Rows {
  nextv(size: number): Promise<[Uint8Array, Uint8Array][]>
  close(): Promise<void>
}

async function* pages(iterator: Rows, pageSize: number, folder: string): AsyncGenerator<readonly StoreRow[]> {
  try {
    for (;;) {
      const rows = await nextRows(iterator, pageSize, folder)
      if (rows.length === 0) return
      const page: StoreRow[] = []
      for (const [stored, value] of rows) {
        const key = userKey(stored)
        if (key !== undefined) page.push([key, value])
      }
      if (page.length > 0) yield page
    }
  } finally {
    await iterator.close()
  }
}

async function nextRows(iterator: Rows, pageSize: number, folder: string): Promise<[Uint8Array, Uint8Array][]> {
  try {
    return await iterator.nextv(pageSize)
  } catch (error) {
    throw readFailed(folder, error)
  }
}
