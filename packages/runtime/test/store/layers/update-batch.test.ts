import { serdes } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { openStore } from './support/open-store.ts'
import { entriesOf, pass } from './support/passes.ts'

const words = { key: serdes.string, value: serdes.int32 }

describe('updateBatch', () => {
  test('through several handles of one store: each looks up for itself, and its changes have its own time', async () => {
    await using opened = await openStore(words)
    const { store } = opened
    const one = store.handleAt(() => 100) as typeof opened.handle
    const other = store.handleAt(() => 200) as typeof opened.handle
    store.begin()
    const add = (value = 0) => value + 1
    expect(await one.updateBatch(['a', 'b'], add)).toEqual([1, 1])
    expect(await other.updateBatch(['b', 'a', 'c'], add)).toEqual([2, 2, 1])
    expect(await one.updateBatch(['b'], add)).toEqual([3])
    opened.timestamp = 300
    opened.handle.set('d', 4)
    store.succeed()
    expect(Array.from(store.seal()?.timestamps ?? [])).toEqual([200, 100, 200, 300])
  })

  test.each([
    ['told apart by themselves', serdes.string],
    ['told apart by their bytes', { ...serdes.string, identity: false }],
  ])('gives each key in turn what was made of it before, with keys %s', async (_, key) => {
    await using opened = await openStore({ ...words, key })
    const { store, batchHandle: handle } = opened
    await pass(store, async () => {
      handle.set('a', 10)
      const add = (value: number | undefined, i: number) => (value ?? 0) + i + 1
      expect(await handle.updateBatch(['a', 'b', 'a', 'c', 'b'], add)).toEqual([11, 2, 14, 4, 7])
      expect(await handle.updateBatch(['b', 'a', 'b'], add)).toEqual([8, 16, 11])
      expect(await handle.updateBatch([], add)).toEqual([])
    })
    expect(await entriesOf(handle.all())).toEqual([
      ['a', 16],
      ['b', 11],
      ['c', 4],
    ])
  })

  test('sets nothing if one value is refused, or if there is none to be had', async () => {
    await using opened = await openStore(words)
    const { store, handle } = opened
    store.begin()
    handle.setBatch({ keys: ['a', 'b'], values: [1, 2] })
    await expect(handle.updateBatch(['a', 'b'], (value) => (value === 2 ? 0.5 : 7))).rejects.toThrow(
      /Store 'counts': a value was refused: .*0\.5/,
    )
    await expect(handle.updateBatch(['a', 'b'], (value) => (value === 2 ? (undefined as never) : 7))).rejects.toThrow(/use delete/)
    const failing = handle.updateBatch(['a', 'b'], (value) => {
      if (value === 2) throw new Error('no more')
      return 7
    })
    await expect(failing).rejects.toThrow('no more')
    expect(await handle.getBatch(['a', 'b'])).toEqual([1, 2])
  })

  test('reads what was made of a key before as a store gives it back, and refuses what a store refuses, also if it is replaced', async () => {
    const seen: unknown[] = []
    const see = <V>(value: V | undefined, made: V): V => {
      seen.push(value)
      return made
    }
    await using json = await openStore({ key: serdes.string, value: serdes.json<object>() })
    await pass(json.store, async () => {
      await json.handle.updateBatch(['a', 'a', 'b', 'a'], (value, i) => see(value, { at: new Date(i), not: undefined }))
    })
    expect(seen).toEqual([undefined, { at: new Date(0).toJSON() }, undefined, { at: new Date(1).toJSON() }])

    seen.length = 0
    await using opened = await openStore(words)
    await pass(opened.store, async () => {
      await opened.handle.updateBatch(['a', 'a'], (value) => see(value, -0))
    })
    expect(seen).toEqual([undefined, 0])
    opened.store.begin()
    await expect(opened.handle.updateBatch(['a', 'b', 'a'], (_, i) => (i === 0 ? 0.5 : 7))).rejects.toThrow(/a value was refused: .*0\.5/)
    await expect(json.handle.getBatch(['a'])).resolves.toEqual([{ at: new Date(3).toJSON() }])
  })

  test('belongs into a pass, also when what was missing has been read', async () => {
    await using opened = await openStore({ ...words, backend: 'slow' })
    const { store, batchHandle: handle } = opened
    await expect(handle.updateBatch(['a'], () => 1)).rejects.toThrow(/while its task was processing nothing/)
    store.begin()
    const updating = handle.updateBatch(['a'], () => 1)
    store.rollback()
    await expect(updating).rejects.toThrow("Store 'counts': updateBatch was called in a pass that has ended since: await it there.")
    expect(await handle.getBatch(['a'])).toEqual([undefined])
  })

  test.each([0, 600, 1_000_000])('loses no update that comes while it waits, with a cache of %d bytes', async (cacheBytes) => {
    const inc = (value: number | undefined) => (value ?? 0) + 1
    for (const [key, cold] of [
      [serdes.string, true],
      [serdes.string, false],
      [{ ...serdes.string, identity: false }, true],
    ] as const) {
      await using opened = await openStore({ ...words, key, backend: 'slow', cacheBytes })
      const { store, batchHandle: handle } = opened
      if (!cold) await handle.getBatch(['a', 'b'])
      await pass(store, async () => {
        await Promise.all([handle.updateBatch(['a', 'c', 'd'], inc), handle.updateBatch(['a', 'b', 'a'], inc)])
        expect(await handle.getBatch(['a', 'b', 'c'])).toEqual([3, 1, 1])
        const updating = handle.updateBatch(['a', 'e'], inc)
        handle.set('e', 10)
        handle.delete('a')
        expect(await updating).toEqual([1, 11])
      })
    }
  })

  test('takes keys as they were when it was called', async () => {
    await using opened = await openStore({ ...words, backend: 'slow' })
    const { store, batchHandle: handle } = opened
    await pass(store, async () => {
      const keys = ['a', 'b']
      const updating = handle.updateBatch(keys, (_, i) => i)
      keys[0] = 'z'
      await updating
      expect(await handle.getBatch(['a', 'b', 'z'])).toEqual([0, 1, undefined])
    })
  })

  test('is finished in the pass in which it was begun, or not at all', async () => {
    await using opened = await openStore({ ...words, backend: 'slow' })
    const { store, batchHandle: handle } = opened
    store.begin()
    const updating = handle.updateBatch(['a'], () => 1)
    store.succeed()
    store.begin()
    await expect(updating).rejects.toThrow("Store 'counts': updateBatch was called in a pass that has ended since: await it there.")
    expect(await handle.getBatch(['a'])).toEqual([undefined])
  })

  test('refuses what is no array of keys or no function', async () => {
    await using opened = await openStore(words)
    const { store, handle } = opened
    store.begin()
    const call = (keys: unknown, update: unknown) => handle.updateBatch(keys as never, update as never)
    await expect(call(new Set(['a']), () => 1)).rejects.toThrow(/Store 'counts': updateBatch takes an array of keys, not a Set\.$/)
    await expect(call(null, () => 1)).rejects.toThrow(/an array of keys, not null/)
    await expect(call(['a'], 1)).rejects.toThrow(/Store 'counts': updateBatch takes a function from a value to the next one, not number\.$/)
    await expect(call(['a'], 1)).rejects.toThrow(TypeError)
  })
})
