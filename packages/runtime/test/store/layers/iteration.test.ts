import { serdes } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { openStore, type OpenedStore } from './support/open-store.ts'
import { commit, entriesOf, pass } from './support/passes.ts'

const bytesToNumber = { key: serdes.bytes, value: serdes.int32 }
const key = (...values: readonly number[]) => Uint8Array.from(values)

/** Entries, with their keys as text of numbers. */
async function read(iteration: AsyncIterable<readonly [Uint8Array, number]>): Promise<(readonly [string, number])[]> {
  return (await entriesOf(iteration)).map(([bytes, value]) => [String(bytes), value] as const)
}

/** Committed, sealed, open and attempted entries, with deletions that hide entries of lower layers. */
async function openWithAllLayers(backend: 'memory' | 'leveldb'): Promise<OpenedStore<Uint8Array, number>> {
  const opened = await openStore({ ...bytesToNumber, backend })
  const { store, handle } = opened
  await pass(store, () => {
    for (const value of [0x00, 0x10, 0x20, 0x80, 0xff]) handle.set(key(value), 1)
    handle.set(key(0xff, 0xff), 1)
  })
  await commit(store)
  await pass(store, () => {
    handle.set(key(0x10), 2)
    handle.set(key(0x30), 2)
    handle.set(key(0x40), 2)
  })
  store.seal()
  await pass(store, () => {
    handle.delete(key(0x30))
    handle.set(key(0x50), 3)
    handle.set(key(0xff, 0), 3)
  })
  store.begin()
  handle.delete(key(0x00))
  handle.set(key(0x30, 1), 4)
  handle.set(key(0x50), 4)
  return opened
}

const ENTRIES = [
  ['16', 2],
  ['32', 1],
  ['48,1', 4],
  ['64', 2],
  ['80', 4],
  ['128', 1],
  ['255', 1],
  ['255,0', 3],
  ['255,255', 1],
]

describe.each(['memory', 'leveldb'] as const)('iteration over layers on %s', (backend) => {
  test('is in the order of unsigned bytes, with the latest value of each key and without deleted ones', async () => {
    await using opened = await openWithAllLayers(backend)
    expect(await read(opened.handle.all())).toEqual(ENTRIES)
    expect(await read(opened.handle.range({ reverse: true }))).toEqual(ENTRIES.toReversed())
  })

  test('keeps to its bounds, the lower one included and the upper one not', async () => {
    await using opened = await openWithAllLayers(backend)
    const range = { from: key(0x30), to: key(0x80) }
    expect(await read(opened.handle.range(range))).toEqual(ENTRIES.slice(2, 5))
    expect(await read(opened.handle.range({ ...range, reverse: true }))).toEqual(ENTRIES.slice(2, 5).toReversed())
    expect(await read(opened.handle.range({ from: key(0x80), to: key(0x30) }))).toEqual([])
    expect(await read(opened.handle.range({ from: key(0x30), to: key(0x30) }))).toEqual([])
  })

  test('finds a prefix, of 0xff too, and all entries by an empty one', async () => {
    await using opened = await openWithAllLayers(backend)
    expect(await read(opened.handle.prefixScan(key(0xff)))).toEqual(ENTRIES.slice(6))
    expect(await read(opened.handle.prefixScan(key(0xff, 0xff)))).toEqual(ENTRIES.slice(8))
    expect(await read(opened.handle.prefixScan(key(0x30)))).toEqual([['48,1', 4]])
    expect(await read(opened.handle.prefixScan(key(0x31)))).toEqual([])
    expect(await read(opened.handle.prefixScan(key()))).toEqual(ENTRIES)
  })

  test('takes a prefix that is a Buffer and is changed later as it was', async () => {
    await using opened = await openWithAllLayers(backend)
    const prefix = Buffer.from([0x30])
    const iteration = opened.handle.prefixScan(prefix)
    prefix.fill(0)
    expect(await read(iteration)).toEqual([['48,1', 4]])
  })

  test('comes in full pages, except the last', async () => {
    await using opened = await openWithAllLayers(backend)
    for (const pageSize of [1, 2, 4, 9, 100]) {
      const pages = await entriesOf(opened.handle.rangePages({}, pageSize))
      expect(pages.flat().map(([bytes, value]) => [String(bytes), value])).toEqual(ENTRIES)
      expect(pages.slice(0, -1).every((page) => page.length === pageSize)).toBe(true)
    }
    expect((await entriesOf(opened.handle.prefixPages(key(0xff), 2))).map((page) => page.length)).toEqual([2, 1])
  })

  test('sees the store as it was when it began, whatever is written, sealed, persisted and dropped meanwhile', async () => {
    for (const reverse of [false, true]) {
      await using opened = await openWithAllLayers(backend)
      const { store, handle } = opened
      const seen: (readonly [string, number])[] = []
      const meanwhile = [
        async () => {
          handle.set(key(0x20), 99)
          handle.deleteBatch([key(0x40), key(0xff), key(0x80)])
          await store.persist(key(1))
          store.succeed()
        },
        () => commit(store),
        async () => store.discard(),
      ]
      for await (const page of handle.rangePages({ reverse }, 2)) {
        for (const [bytes, value] of page) seen.push([String(bytes), value])
        await meanwhile.shift()?.()
      }
      expect(seen).toEqual(reverse ? ENTRIES.toReversed() : ENTRIES)
    }
  })

  test('begins with its first entry: what is written before that is seen', async () => {
    await using opened = await openWithAllLayers(backend)
    const iteration = opened.handle.prefixScan(key(0x20))
    opened.handle.set(key(0x20), 5)
    expect(await read(iteration)).toEqual([['32', 5]])
  })

  test('may be left early, or never be begun', async () => {
    await using opened = await openWithAllLayers(backend)
    opened.handle.all()
    for await (const [first] of opened.handle.all()) {
      expect([...first]).toEqual([0x10])
      break
    }
  })

  test('refuses pages without entries', async () => {
    await using opened = await openWithAllLayers(backend)
    for (const pageSize of [0, -1, 0.5, NaN, Infinity]) expect(() => opened.handle.rangePages({}, pageSize)).toThrow(TypeError)
    expect(() => opened.committed.rangePages({}, 0)).toThrow(TypeError)
  })

  test('counts roughly what it would find', async () => {
    await using opened = await openWithAllLayers(backend)
    const size = await opened.handle.approximateSize()
    expect(size).toBeGreaterThanOrEqual(6)
    expect(size).toBeLessThanOrEqual(15)
  })
})
