import { deferred, type MillraceError, type Serde, serdes, TaskClosedError } from '@millrace/core'
import { MemoryStoreBackend } from '@millrace/store-memory'
import { describe, expect, test } from 'vitest'
import { openStore } from './support/open-store.ts'
import { commit, entriesOf, pass } from './support/passes.ts'

const words = { key: serdes.string, value: serdes.int32 }

describe('a pass', () => {
  test('sees its own writes at once', async () => {
    await using opened = await openStore(words)
    const { store, handle } = opened
    await pass(store, async () => {
      handle.set('a', 1)
      handle.setBatch([
        ['b', 2],
        ['c', 3],
        ['b', 4],
      ])
      handle.delete('c')
      expect(handle.get('a')).toBe(1)
      expect(await handle.getBatch(['b', 'c', 'a'])).toEqual([4, undefined, 1])
    })
  })

  test('leaves its writes to the next when it succeeds, and nothing when it fails', async () => {
    await using opened = await openStore(words)
    const { store, handle } = opened
    await pass(store, () => handle.set('a', 1))
    store.begin()
    handle.setBatch([
      ['a', 2],
      ['b', 2],
    ])
    handle.delete('a')
    store.rollback()
    expect(await handle.getBatch(['a', 'b'])).toEqual([1, undefined])
    expect(await entriesOf(handle.all())).toEqual([['a', 1]])
  })

  test('is the only time to write', async () => {
    await using opened = await openStore(words)
    expect(() => opened.handle.set('a', 1)).toThrow(/Store 'counts' was changed while its task was processing nothing/)
    expect(() => opened.handle.deleteBatch(['a'])).toThrow(TypeError)
  })

  test('can not begin before the last one has ended', async () => {
    await using opened = await openStore(words)
    opened.store.begin()
    expect(() => opened.store.begin()).toThrow(/before the one before it had ended/)
  })
})

describe('getBatch', () => {
  test('answers by position, from every layer at once, for keys that repeat', async () => {
    await using opened = await openStore({ ...words, cacheBytes: 0 })
    const { store, handle } = opened
    await pass(store, () =>
      handle.setBatch([
        ['backend', 1],
        ['gone', 1],
        ['sealed', 1],
        ['open', 1],
        ['attempt', 1],
      ]),
    )
    await commit(store)
    await pass(store, () => handle.setBatch([['sealed', 2]]))
    store.seal()
    await pass(store, () => {
      handle.set('open', 3)
      handle.delete('gone')
    })
    store.begin()
    handle.set('attempt', 4)
    const keys = ['attempt', 'backend', 'missing', 'open', 'sealed', 'backend', 'gone', 'missing', 'attempt']
    expect(await handle.getBatch(keys)).toEqual([4, 1, undefined, 3, 2, 1, undefined, undefined, 4])
    expect(keys.map((key) => handle.get(key))).toEqual([4, 1, undefined, 3, 2, 1, undefined, undefined, 4])
    expect(await handle.getBatch([])).toEqual([])
  })

  test('asks the backend once for all keys that no layer has, and not at all for the others', async () => {
    const asked: number[] = []
    const backend = new (class extends MemoryStoreBackend {
      override getMany(keys: readonly Uint8Array[]) {
        asked.push(keys.length)
        return super.getMany(keys)
      }
    })()
    await using opened = await openStore({ ...words, backend })
    const { store, handle } = opened
    await pass(store, async () => {
      handle.set('a', 1)
      await handle.getBatch(['a', 'b', 'c', 'a', 'd'])
      await handle.getBatch(['a', 'b', 'c', 'd'])
    })
    expect(asked).toEqual([3])
  })

  test('is right whatever is sealed and persisted while it waits', async () => {
    await using opened = await openStore({ ...words, backend: 'slow' })
    const { store, batchHandle: handle } = opened
    await pass(store, () =>
      handle.setBatch([
        ['a', 1],
        ['b', 1],
      ]),
    )
    await commit(store)
    store.discard()
    await pass(store, () => handle.set('a', 2))
    store.begin()
    const reading = handle.getBatch(['a', 'b', 'c'])
    await commit(store)
    expect(await reading).toEqual([2, 1, undefined])
    handle.set('b', 2)
    store.succeed()
    await commit(store)
    expect(await handle.getBatch(['a', 'b', 'c'])).toEqual([2, 2, undefined])
  })

  test('leaves no outdated answer in the cache when a commit overtakes it', async () => {
    const gate = deferred<void>()
    const backend = new (class extends MemoryStoreBackend {
      override async getMany(keys: readonly Uint8Array[]) {
        const values = await super.getMany(keys)
        await gate.promise
        return values
      }
    })()
    await using opened = await openStore({ ...words, backend })
    const { store, handle } = opened
    store.begin()
    const reading = handle.getBatch(['a', 'b'])
    handle.set('a', 1)
    store.succeed()
    await commit(store)
    gate.resolve()
    expect(await reading).toEqual([undefined, undefined])
    expect(handle.get('a')).toBe(1)
  })
})

describe('keys and values', () => {
  test('that are undefined or null are refused by a TypeError that names the store', async () => {
    await using opened = await openStore({ key: serdes.nullable(serdes.string), value: serdes.nullable(serdes.int32) })
    const { store, handle } = opened
    store.begin()
    const nothing = undefined as unknown as string
    for (const refused of [() => handle.set(null, 1), () => handle.set(nothing, 1), () => handle.get(null), () => handle.delete(nothing)]) {
      expect(refused).toThrow(TypeError)
      expect(refused).toThrow(/Store 'counts': a key can't be (null|undefined)/)
    }
    expect(() => handle.set('a', null)).toThrow(/Store 'counts': a value can't be null; use delete\(\)/)
    await expect(handle.getBatch(['a', null])).rejects.toThrow(TypeError)
  })

  test('that the serde refuses fail with the name of the store, and a setBatch as a whole', async () => {
    await using opened = await openStore(words)
    const { store, handle } = opened
    store.begin()
    const entries: [string, number][] = [
      ['a', 1],
      ['b', 0.5],
    ]
    expect(() => handle.setBatch(entries)).toThrow(expect.objectContaining({ code: 'SERIALIZATION_FAILED', stage: 'store' }))
    expect(() => handle.setBatch(entries)).toThrow(/Store 'counts': a value was refused: .*0\.5/)
    expect(() => handle.setBatch({ keys: ['a', 'b'], values: [1, 0.5] })).toThrow(/Store 'counts': a value was refused: .*0\.5/)
    expect(() => handle.setBatch({ keys: ['a', 'b'], values: [1] })).toThrow(RangeError)
    for (const refused of [undefined, 5, 'ab', {}, { keys: 'a', values: [1] }]) {
      expect(() => handle.setBatch(refused as never)).toThrow(/Store 'counts': setBatch takes pairs, or \{ keys, values \} with two arrays/)
    }
    await expect(handle.getBatch(new Set(['a']) as never)).rejects.toThrow("Store 'counts': getBatch takes an array of keys, not a Set.")
    await expect(opened.committed.getBatch(new Set(['a']) as never)).rejects.toThrow('getBatch takes an array of keys, not a Set.')
    expect(() => handle.deleteBatch(['a', 5 as unknown as string])).toThrow(/Store 'counts': a key was refused/)
    store.succeed()
    expect(await entriesOf(handle.all())).toEqual([])
    expect(store.seal()).toBeUndefined()
  })

  test('that were stored by another serde are told apart from a missing entry', async () => {
    const backend = new MemoryStoreBackend()
    await backend.write([{ key: Uint8Array.of(97), value: Uint8Array.of(1, 2) }])
    await using opened = await openStore({ ...words, backend })
    const failure = expect.objectContaining({ code: 'DESERIALIZATION_FAILED', stage: 'store' }) as MillraceError
    expect(() => opened.handle.get('a')).toThrow(failure)
    await expect(opened.handle.getBatch(['b', 'a'])).rejects.toThrow(/Store 'counts': a stored value can't be decoded/)
  })

  test('may be changed by their owners before and after, which changes nothing that is stored', async () => {
    for (const backend of ['memory', 'leveldb'] as const) {
      await using opened = await openStore({ key: serdes.bytes, value: serdes.json<{ tags: string[] }>(), backend })
      const { store, handle } = opened
      const key = Uint8Array.of(1, 2)
      const value = { tags: ['a'] }
      await pass(store, () => handle.set(key, value))
      key.fill(9)
      value.tags.push('b')
      const check = async () => {
        const got = handle.get(Uint8Array.of(1, 2))
        expect(got).toEqual({ tags: ['a'] })
        got?.tags.push('c')
        const [again] = await handle.getBatch([Uint8Array.of(1, 2)])
        expect(again).toEqual({ tags: ['a'] })
        again?.tags.push('d')
        for await (const [iteratedKey, iterated] of handle.all()) {
          expect([...iteratedKey]).toEqual([1, 2])
          iteratedKey.fill(0)
          iterated.tags.push('e')
        }
      }
      await check()
      await commit(store)
      await check()
      store.discard()
      await check()
      await check()
    }
  })

  test('of a serde that copies with slice() are copies, though LevelDB answers with Buffers', async () => {
    const sliced: Serde<Uint8Array> = {
      name: 'sliced',
      serialize: (value) => value,
      deserialize: (bytes, start, end) => bytes.slice(start, end),
    }
    await using opened = await openStore({ key: serdes.string, value: sliced, backend: 'leveldb' })
    const { store, handle } = opened
    await pass(store, () => handle.set('a', Uint8Array.of(1, 2)))
    await commit(store)
    store.discard()
    handle.get('a')?.fill(9)
    expect([...(handle.get('a') ?? [])]).toEqual([1, 2])
  })

  test('read the same before and after a commit, as their serde reads them', async () => {
    const lowerCase: Serde<string> = {
      name: 'lower-case',
      immutable: true,
      serialize: (value) => Buffer.from(value.toLowerCase()),
      deserialize: (bytes, start, end) => Buffer.from(bytes.subarray(start, end)).toString(),
    }
    await using opened = await openStore({ key: serdes.string, value: lowerCase })
    const { store, handle } = opened
    await pass(store, () => {
      handle.set('a', 'LOUD')
      expect(handle.get('a')).toBe('loud')
    })
    await commit(store)
    expect(handle.get('a')).toBe('loud')
  })
})

describe('a closed task', () => {
  test('is told so by every operation', async () => {
    await using opened = await openStore(words)
    const { store, handle } = opened
    store.begin()
    opened.closedBy = new TaskClosedError('0_0')
    for (const operation of [
      () => handle.get('a'),
      () => handle.set('a', 1),
      () => handle.setBatch([]),
      () => handle.delete('a'),
      () => handle.deleteBatch([]),
      () => handle.all(),
      () => handle.prefixScan(Uint8Array.of(1)),
      () => handle.rangePages({}),
      () => handle.prefixPages(Uint8Array.of(1)),
      () => handle.approximateSize(),
    ]) {
      expect(operation).toThrow(TaskClosedError)
    }
    await expect(handle.getBatch(['a'])).rejects.toThrow(TaskClosedError)
    await expect(handle.updateBatch(['a'], () => 1)).rejects.toThrow(TaskClosedError)
  })

  test('is told so by what it waits for', async () => {
    await using opened = await openStore({ ...words, backend: 'slow' })
    const { store, batchHandle: handle } = opened
    await pass(store, () => handle.set('a', 1))
    await commit(store)
    store.discard()
    const reading = handle.getBatch(['a'])
    const iteration = handle.all()
    const first = iteration.next()
    opened.closedBy = new TaskClosedError('0_0')
    await expect(reading).rejects.toThrow(TaskClosedError)
    await expect(first).rejects.toThrow(TaskClosedError)
  })
})
