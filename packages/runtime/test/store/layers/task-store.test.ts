import { bytesAt, deferred, defineKeyValueStore, serdes, type StoreCapabilities } from '@millrace/core'
import { MemoryStoreBackend } from '@millrace/store-memory'
import { describe, expect, test } from 'vitest'
import type { SealedChanges } from '../../../src/store/layers/store-layers.ts'
import { openTaskStore } from '../../../src/store/layers/task-store.ts'
import { openStore } from './support/open-store.ts'
import { commit, entriesOf, pass } from './support/passes.ts'

const words = { key: serdes.string, value: serdes.int32 }
const metadata = Uint8Array.of(1)
const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString())

describe('a commit', () => {
  test('takes one change for each key, the last one, in the order in which keys were first changed', async () => {
    await using opened = await openStore(words)
    const { store, handle } = opened
    await pass(store, () => {
      opened.timestamp = 10
      handle.set('z', 1)
      handle.set('a', 1)
    })
    await pass(store, () => {
      opened.timestamp = 20
      handle.delete('z')
      handle.set('m', 5)
    })
    const sealed = store.seal() as SealedChanges
    const rows = Array.from({ length: sealed.length }, (_, i) => {
      const value = bytesAt(sealed.values, i)
      return [text(bytesAt(sealed.keys, i)), value && serdes.int32.deserialize(value, 0, 4), sealed.timestamps[i]]
    })
    expect(rows).toEqual([
      ['z', null, 20],
      ['a', 1, 10],
      ['m', 5, 20],
    ])
  })

  test('takes nothing of the pass under way', async () => {
    await using opened = await openStore(words)
    const { store, handle } = opened
    await pass(store, () => handle.set('a', 1))
    store.begin()
    handle.set('a', 2)
    handle.set('b', 2)
    expect((await commit(store))?.length).toBe(1)
    expect(await opened.committed.getBatch(['a', 'b'])).toEqual([1, undefined])
    store.succeed()
    expect((await commit(store))?.length).toBe(2)
  })

  test('takes nothing when nothing was changed, and still writes metadata', async () => {
    await using opened = await openStore(words)
    const { store } = opened
    await pass(store, () => undefined)
    expect(store.seal()).toBeUndefined()
    expect(await store.metadata()).toBeUndefined()
    await store.persist(Uint8Array.of(7))
    expect([...((await store.metadata()) ?? [])]).toEqual([7])
  })

  test('can not be sealed twice', async () => {
    await using opened = await openStore(words)
    const { store, handle } = opened
    await pass(store, () => handle.set('a', 1))
    store.seal()
    await pass(store, () => handle.set('a', 2))
    expect(() => store.seal()).toThrow(/while an earlier commit of it was under way/)
    await store.persist(metadata)
    expect(store.seal()?.length).toBe(1)
  })

  test('shows outside only once it is persisted', async () => {
    await using opened = await openStore(words)
    const { store, handle, committed } = opened
    await pass(store, () => handle.set('a', 1))
    expect(await committed.get('a')).toBeUndefined()
    store.seal()
    expect(await committed.get('a')).toBeUndefined()
    await store.persist(metadata)
    expect(await committed.get('a')).toBe(1)
    expect(await committed.getBatch(['b', 'a', 'b'])).toEqual([undefined, 1, undefined])
    expect((await entriesOf(committed.rangePages({}))).flat()).toEqual([['a', 1]])
    expect(await committed.approximateSize()).toBe(1)
  })

  test('counts the bytes that wait for it', async () => {
    await using opened = await openStore(words)
    const { store, handle } = opened
    store.begin()
    handle.set('a', 1)
    expect(store.attemptBytes).toBeGreaterThanOrEqual(5)
    expect(store.uncommittedBytes).toBe(0)
    const { attemptBytes } = store
    store.succeed()
    expect([store.attemptBytes, store.uncommittedBytes]).toEqual([0, attemptBytes])
    store.seal()
    expect(store.uncommittedBytes).toBe(attemptBytes)
    await store.persist(metadata)
    expect(store.uncommittedBytes).toBe(0)
    await pass(store, () => {
      for (let i = 0; i < 100; i++) handle.set('a', i)
    })
    expect(store.uncommittedBytes).toBe(attemptBytes)
  })

  test('that is given up takes everything uncommitted with it', async () => {
    await using opened = await openStore(words)
    const { store, handle } = opened
    await pass(store, () => handle.set('a', 1))
    await commit(store)
    await pass(store, () => handle.set('a', 2))
    store.seal()
    await pass(store, () => handle.set('b', 2))
    store.begin()
    handle.set('c', 2)
    store.discard()
    expect(await handle.getBatch(['a', 'b', 'c'])).toEqual([1, undefined, undefined])
    expect(store.uncommittedBytes).toBe(0)
    expect(store.seal()).toBeUndefined()
  })

  test('whose write is under way when it is given up may still become true, and is then what is read', async () => {
    const gate = deferred<void>()
    const backend = new (class extends MemoryStoreBackend {
      override async write(...write: Parameters<MemoryStoreBackend['write']>) {
        await gate.promise
        await super.write(...write)
      }
    })()
    await using opened = await openStore({ ...words, backend })
    const { store, handle } = opened
    await pass(store, () => handle.set('a', 1))
    store.seal()
    const persisting = store.persist(metadata)
    store.discard()
    expect(handle.get('a')).toBeUndefined()
    gate.resolve()
    await persisting
    expect(handle.get('a')).toBe(1)
  })

  test('whose write fails is not taken for done', async () => {
    const backend = new (class extends MemoryStoreBackend {
      override async write() {
        throw new Error('no space')
      }
    })()
    await using opened = await openStore({ ...words, backend })
    const { store, handle } = opened
    await pass(store, () => handle.set('a', 1))
    store.seal()
    await expect(store.persist(metadata)).rejects.toThrow('no space')
    expect(store.uncommittedBytes).toBeGreaterThan(0)
    store.discard()
    expect(handle.get('a')).toBeUndefined()
  })
})

describe('restoring', () => {
  test('fills the backend with the changes of a changelog and where they go up to', async () => {
    await using opened = await openStore(words)
    const { store, handle } = opened
    const value = serdes.int32.serialize(5) as Uint8Array
    await store.restore(
      [
        { key: Uint8Array.of(97), value },
        { key: Uint8Array.of(98), value },
      ],
      Uint8Array.of(1),
    )
    await store.restore([{ key: Uint8Array.of(98), value: undefined }], Uint8Array.of(2))
    expect(await handle.getBatch(['a', 'b'])).toEqual([5, undefined])
    expect([...((await store.metadata()) ?? [])]).toEqual([2])
  })
})

describe('opening', () => {
  test('refuses a backend that answers otherwise than its definition says', async () => {
    const definition = {
      ...({ shape: 'key-value', name: 'counts', access: 'async', ...words } as const),
      open: async () => new MemoryStoreBackend(),
    }
    const opening = openTaskStore({ definition, folder: '', cacheBytes: 0, guard: () => undefined, timestamp: () => 0 })
    await expect(opening).rejects.toThrow(expect.objectContaining({ code: 'STORE_ACCESS' }))
  })

  test('gives a store without get where the backend answers later', async () => {
    await using near = await openStore(words)
    await using remote = await openStore({ ...words, backend: 'slow' })
    expect('get' in near.handle).toBe(true)
    expect('get' in remote.batchHandle).toBe(false)
  })
})

describe('a backend whose writes are not atomic', () => {
  async function openOver(capabilities: Partial<StoreCapabilities>, changelog: false | undefined) {
    const backend = new MemoryStoreBackend()
    let closed = 0
    const close = backend.close.bind(backend)
    Object.assign(backend, { capabilities: { ...backend.capabilities, ...capabilities }, close: () => (closed++, close()) })
    const definition = defineKeyValueStore({ name: 'counts', ...words, access: 'sync', changelog, open: async () => backend })
    const access = { guard: () => undefined, timestamp: () => 0 }
    const opening = openTaskStore({ definition, folder: 'nowhere', cacheBytes: 1_000, ...access })
    return { opening, closed: () => closed }
  }

  test('is refused for a store without a changelog, and closed: a crash would leave what nothing can mend', async () => {
    const { opening, closed } = await openOver({ atomicWrites: false }, false)
    await expect(opening).rejects.toMatchObject({
      code: 'STORE_NOT_ATOMIC',
      stage: 'store',
      message: expect.stringContaining("Store 'counts' has no changelog") as unknown,
    })
    expect(closed()).toBe(1)
  })

  test.each([
    [{ atomicWrites: false }, undefined],
    [{ atomicWrites: true }, false as const],
    [{}, false as const],
  ])('is taken otherwise: %j with changelog %j', async (capabilities, changelog) => {
    const { opening, closed } = await openOver(capabilities, changelog)
    await (await opening).close()
    expect(closed()).toBe(1)
  })
})
