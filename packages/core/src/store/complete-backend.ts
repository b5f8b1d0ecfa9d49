import { KeptRows } from './kept-rows.ts'
import { METADATA_KEY, storedKey, userKey } from './reserved-keys.ts'
import type { ByteRange, SingleOperationBackend, StoreBackend, StoreCapabilities, StoreChange, StoreRow } from './store-backend.ts'
import { storeClosed } from './store-closed.ts'

/** How many `get`s of an asynchronous backend are under way at once. */
const CONCURRENT_GETS = 64
const COUNTED_AT_ONCE = 1_000

/**
 * A full backend of one that knows single operations: what it does not have is done one by one. Throws a `TypeError` for a backend that can read
 * metadata but has no `write` to take them.
 *
 * Without a `write` of its own, changes reach the store one after the other and the metadata last: a crash in between leaves some of them, which a
 * restart replays from the changelog. So its capabilities say `atomicWrites: false`, and a store that has no changelog refuses it. Without `metadata`
 * of its own, they are kept as an entry under a key that users' keys can't have. A scan that is under way when the store is changed is read to its end
 * first, into memory.
 */
export function completeBackend(single: SingleOperationBackend): StoreBackend {
  if (single.metadata !== undefined && single.write === undefined) {
    throw new TypeError(
      'A store backend that reads metadata must have a write() that takes them; leave both out and they are kept as an entry.',
    )
  }
  return new CompletedBackend(single)
}

class CompletedBackend implements StoreBackend {
  readonly capabilities: StoreCapabilities
  /** Absent where the backend answers later. */
  readonly get?: (key: Uint8Array) => Uint8Array | undefined
  readonly #single: SingleOperationBackend
  /** Whether the metadata are an entry, so that users' keys have to keep out of their way. */
  readonly #reserves: boolean
  /** Scans whose rows are still in the store. */
  readonly #scans = new Set<KeptRows>()
  #closed: Promise<void> | undefined

  constructor(single: SingleOperationBackend) {
    this.capabilities = single.write === undefined ? { ...single.capabilities, atomicWrites: false } : single.capabilities
    this.#single = single
    this.#reserves = single.metadata === undefined
    if (single.capabilities.access === 'sync') this.get = (key) => this.#getNow(key)
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    this.#checkOpen()
    const single = this.#single
    const stored = this.#reserves ? keys.map(storedKey) : keys
    if (single.getMany !== undefined) return single.getMany(stored)
    const values: (Uint8Array | undefined)[] = []
    for (let from = 0; from < stored.length; from += CONCURRENT_GETS) {
      const part = stored.slice(from, from + CONCURRENT_GETS)
      values.push(...(await Promise.all(part.map(async (key) => single.get(key)))))
    }
    return values
  }

  async write(changes: readonly StoreChange[], metadata?: Uint8Array, synced?: boolean): Promise<void> {
    this.#checkOpen()
    const single = this.#single
    await this.#settleScans()
    if (!this.#reserves) return single.write?.(changes, metadata, synced)
    const stored = changes.map(({ key, value }) => ({ key: storedKey(key), value }))
    if (metadata !== undefined) stored.push({ key: METADATA_KEY, value: metadata })
    if (single.write !== undefined) return single.write(stored, undefined, synced)
    for (const { key, value } of stored) {
      // Copies, because a simple backend keeps what it is given.
      if (value === undefined) await single.delete(new Uint8Array(key))
      else await single.set(new Uint8Array(key), new Uint8Array(value))
      // Whoever began to scan while the last change was made sees the store as it was then.
      if (this.#scans.size > 0) await this.#settleScans()
    }
  }

  async metadata(): Promise<Uint8Array | undefined> {
    this.#checkOpen()
    return this.#single.metadata === undefined ? this.#single.get(METADATA_KEY) : this.#single.metadata()
  }

  scan({ gte, lt, reverse }: ByteRange, pageSize: number): AsyncIterable<readonly StoreRow[]> {
    this.#checkOpen()
    const range = { gte: this.#bound(gte), lt: this.#bound(lt), reverse }
    const rows = new KeptRows(this.#single.rows(range), this.#reserves ? userKey : sameKey)
    this.#scans.add(rows)
    return this.#pages(rows, pageSize)
  }

  async approximateSize(): Promise<number> {
    this.#checkOpen()
    if (this.#single.approximateSize !== undefined) return this.#single.approximateSize()
    let size = 0
    for await (const page of this.scan({}, COUNTED_AT_ONCE)) size += page.length
    return size
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #getNow(key: Uint8Array): Uint8Array | undefined {
    this.#checkOpen()
    const value = this.#single.get(this.#reserves ? storedKey(key) : key)
    if (value === undefined || value instanceof Uint8Array) return value
    throw new TypeError(`A store backend whose access is 'sync' answered get() with a promise; its access is 'async'.`)
  }

  /** A copy, because it is kept as long as the scan. */
  #bound(key: Uint8Array | undefined): Uint8Array | undefined {
    return key === undefined ? undefined : new Uint8Array(this.#reserves ? storedKey(key) : key)
  }

  async *#pages(rows: KeptRows, pageSize: number): AsyncGenerator<readonly StoreRow[]> {
    try {
      for (;;) {
        const page = await rows.next(pageSize)
        if (page.length === 0) return
        yield page
      }
    } finally {
      this.#scans.delete(rows)
      await rows.leave()
    }
  }

  /** Those that begin meanwhile too. */
  async #settleScans(): Promise<void> {
    for (const rows of this.#scans) {
      this.#scans.delete(rows)
      await rows.keep()
    }
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw storeClosed()
  }

  async #close(): Promise<void> {
    for (const rows of this.#scans) await rows.leave(storeClosed())
    this.#scans.clear()
    await this.#single.close?.()
  }
}

function sameKey(stored: Uint8Array): Uint8Array {
  return stored
}
