import { type KeyValueStoreDefinition, serdes } from '@millrace/core'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { inMemory } from '../src/index.ts'

describe('inMemory.keyValueStore', () => {
  test('defines a typed store that answers at once and leaves nothing behind', async () => {
    const counts = inMemory.keyValueStore({ name: 'counts', key: serdes.string, value: serdes.safeInt64 })
    expectTypeOf(counts).toEqualTypeOf<KeyValueStoreDefinition<string, number>>()
    expect(counts).toMatchObject({ name: 'counts', access: 'sync' })
    await using backend = await counts.open({ name: 'counts', folder: '/nowhere' })
    expect(backend.capabilities).toEqual({ access: 'sync', persistent: false })
  })

  test('opens a store of its own each time', async () => {
    const counts = inMemory.keyValueStore({ name: 'counts', key: serdes.string, value: serdes.safeInt64 })
    await using one = await counts.open({ name: 'counts', folder: '' })
    await using other = await counts.open({ name: 'counts', folder: '' })
    await one.write([{ key: Uint8Array.of(1), value: Uint8Array.of(1) }])
    expect(await other.approximateSize()).toBe(0)
  })
})
