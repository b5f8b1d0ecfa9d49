import { type ByteRange, compareBytes, MillraceError, type StoreBackend, type StoreChange, type StoreRow } from '@millrace/core'
import type { ConformanceAssert } from '../transport-conformance/conformance-case.ts'
import type { StoreUnderTest } from './conformance-case.ts'

/** What the cases work with: a store, and assertions that speak of bytes as lists of numbers. */
export class StoreBench {
  readonly assert: ConformanceAssert
  readonly underTest: StoreUnderTest
  #backend: StoreBackend | undefined

  constructor(underTest: StoreUnderTest, assert: ConformanceAssert) {
    this.underTest = underTest
    this.assert = assert
  }

  /** Opens the store, or what a close has left of it. */
  async open(): Promise<StoreBackend> {
    this.#backend = await this.underTest.open()
    return this.#backend
  }

  async close(): Promise<void> {
    await this.#backend?.close()
    await this.underTest.remove?.()
  }

  /** Holds all rows within a range to be `expected`, in that order. */
  async rowsAre(backend: StoreBackend, expected: readonly StoreRow[], range: ByteRange = {}, pageSize = 100): Promise<void> {
    this.assert.deepEqual((await allRows(backend.scan(range, pageSize))).map(readable), expected.map(readable))
  }

  /** Holds what is read of some keys, each way there is to read, to be `expected`. */
  async valuesAre(backend: StoreBackend, keys: readonly Uint8Array[], expected: readonly (Uint8Array | undefined)[]): Promise<void> {
    const wanted = expected.map(numbers)
    this.assert.deepEqual((await backend.getMany(keys)).map(numbers), wanted)
    if (backend.capabilities.access === 'async') return
    this.assert.equal(typeof backend.get, 'function', 'a backend with synchronous access has a get')
    this.assert.deepEqual(
      keys.map((key) => numbers(backend.get?.(key))),
      wanted,
    )
  }

  /** Holds `operation` to be refused with a `MillraceError` of this code. */
  async refusedWith(code: string, operation: () => Promise<unknown>): Promise<void> {
    let failure: unknown
    try {
      await operation()
    } catch (error) {
      failure = error
    }
    this.assert.ok(failure instanceof MillraceError, `it should have been refused with a MillraceError, not with ${String(failure)}`)
    this.assert.equal((failure as MillraceError).code, code)
  }
}

export function bytes(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values)
}

export function put(key: Uint8Array, value: Uint8Array): StoreChange {
  return { key, value }
}

export function remove(key: Uint8Array): StoreChange {
  return { key, value: undefined }
}

export async function allRows(pages: AsyncIterable<readonly StoreRow[]>): Promise<StoreRow[]> {
  const rows: StoreRow[] = []
  for await (const page of pages) rows.push(...page)
  return rows
}

export function ascending(rows: readonly StoreRow[]): StoreRow[] {
  return rows.toSorted(([a], [b]) => compareBytes(a, b))
}

export function readable([key, value]: StoreRow): [unknown, unknown] {
  return [numbers(key), numbers(value)]
}

/** Backends may answer with Buffers, which are equal to no Uint8Array. */
export function numbers(value: Uint8Array | undefined): number[] | undefined {
  return value === undefined ? undefined : [...value]
}
