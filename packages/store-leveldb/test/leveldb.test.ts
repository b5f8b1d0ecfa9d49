import { type KeyValueStoreDefinition, serdes } from '@millrace/core'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { leveldb } from '../src/index.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const KIB = 1_024

describe('leveldb.keyValueStore', () => {
  test('defines a typed store that answers at once', async () => {
    using folder = temporaryFolder()
    const counts = leveldb.keyValueStore({
      name: 'counts',
      key: serdes.string,
      value: serdes.safeInt64,
      cacheSize: 64 * KIB,
      writeBufferSize: 64 * KIB,
    })
    expectTypeOf(counts).toEqualTypeOf<KeyValueStoreDefinition<string, number>>()
    expect(counts).toMatchObject({ name: 'counts', access: 'sync' })
    await using backend = await counts.open({ name: 'counts', folder: folder.path })
    expect(backend.capabilities).toEqual({ access: 'sync', persistent: true })
  })

  test('refuses a name that can name no folder', () => {
    expect(() => leveldb.keyValueStore({ name: 'a/b', key: serdes.string, value: serdes.string })).toThrow(TypeError)
  })
})

describe('a large store', () => {
  test('tells its size roughly, and pages through values that are larger than a page may be', { timeout: 30_000 }, async () => {
    using folder = temporaryFolder()
    const store = leveldb.keyValueStore({ name: 'large', key: serdes.int32, value: serdes.bytes, compression: false })
    await using backend = await store.open({ name: 'large', folder: folder.path })
    const value = new Uint8Array(2 * KIB).fill(7)
    const keyOf = (i: number) => serdes.int32.serialize(i) as Uint8Array
    for (let from = 0; from < 5_000; from += 1_000) {
      await backend.write(Array.from({ length: 1_000 }, (_, i) => ({ key: keyOf(from + i), value })))
    }
    await backend.write([{ key: keyOf(5_000), value: new Uint8Array(3 * KIB * KIB) }])
    const size = await backend.approximateSize()
    expect(size).toBeGreaterThan(500)
    expect(size).toBeLessThan(20_000)
    let rows = 0
    for await (const page of backend.scan({}, 1_000)) {
      expect(page.length).toBeLessThanOrEqual(1_000)
      rows += page.length
    }
    expect(rows).toBe(5_001)
  })
})
