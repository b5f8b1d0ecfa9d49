import { serdes, type StoreBackend } from '@millrace/core'
import { MemoryStoreBackend } from '@millrace/store-memory'
import { describe, expect, test } from 'vitest'
import { openStore } from './support/open-store.ts'
import { commit, entriesOf, pass } from './support/passes.ts'
import { slowBackend } from './support/slow-backend.ts'

const KEYS = 5_000
const keys = Array.from({ length: KEYS }, (_, i) => `key ${i}`)
const others = ['key 7', 'other 1', 'other 2']

/** A store that has committed many keys, of which its cache has room for few: so do numbers of others mean something else from then on. */
async function closingUp(backend: 'memory' | 'slow') {
  const opened = await openStore({ key: serdes.string, value: serdes.int32, backend, cacheBytes: 3_000 })
  const { store, batchHandle: handle } = opened
  await pass(store, () => handle.setBatch({ keys, values: keys.map((_, i) => i) }))
  return opened
}

describe('a table of which most is forgotten by a commit', () => {
  test.each(['succeeds', 'fails'])('has what a pass has changed that goes on meanwhile, and %s', async (end) => {
    await using opened = await closingUp('memory')
    const { store, handle } = opened
    store.seal()
    await pass(store, () => handle.set('other 1', -1))
    store.begin()
    handle.setBatch(others.map((key, i) => [key, i + 1]))
    await store.persist(Uint8Array.of(1))
    expect(await handle.getBatch([...others, 'key 8'])).toEqual([1, 2, 3, 8])
    if (end === 'fails') store.rollback()
    else store.succeed()
    const after = end === 'fails' ? [7, -1, undefined, 8] : [1, 2, 3, 8]
    expect(await handle.getBatch([...others, 'key 8'])).toEqual(after)
    await commit(store)
    expect(await handle.getBatch([...others, 'key 8'])).toEqual(after)
    expect(await entriesOf(handle.prefixScan(Buffer.from('other')))).toEqual(
      [
        ['other 1', after[1]],
        ['other 2', after[2]],
      ].filter(([, value]) => value !== undefined),
    )
    expect(store.uncommittedBytes).toBe(0)
  })

  test('leaves the numbers of what is being committed, where a commit before it was given up while it was written', async () => {
    const memory = new MemoryStoreBackend()
    let release: () => void = () => undefined
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    const backend = Object.assign(slowBackend(memory, 0), {
      write: async (...[changes, metadata]: Parameters<StoreBackend['write']>) => {
        await released
        await memory.write(changes, metadata)
      },
    })
    await using opened = await openStore({ key: serdes.string, value: serdes.bytes, backend, cacheBytes: 2_000_000 })
    const { store, batchHandle: handle } = opened
    await pass(store, () => handle.set('given up', new Uint8Array(1)))
    store.seal()
    const first = store.persist(Uint8Array.of(1))
    store.discard()
    await handle.getBatch(keys)
    const large = Array.from({ length: 20 }, (_, i) => `large ${i}`)
    await pass(store, () => handle.setBatch({ keys: large, values: large.map(() => new Uint8Array(1_000_001)) }))
    store.seal()
    release()
    await first
    await store.persist(Uint8Array.of(2))
    // They are larger than half of the cache: none of them is held, and the store holds no more than its own.
    await memory.write(large.map((key) => ({ key: Buffer.from(key), value: Uint8Array.of(7) })))
    expect((await handle.getBatch(large)).map((value) => value?.length)).toEqual(large.map(() => 1))
  })

  test('loses no update that waits meanwhile', async () => {
    await using opened = await closingUp('slow')
    const { store, batchHandle: handle } = opened
    store.seal()
    const persisting = store.persist(Uint8Array.of(1))
    store.begin()
    const updating = handle.updateBatch([...others, 'key 8', 'other 1'], (value = 0) => value + 1)
    await persisting
    expect(await updating).toEqual([8, 1, 1, 9, 2])
    store.succeed()
    await commit(store)
    expect(await handle.getBatch([...others, 'key 8', 'key 9'])).toEqual([8, 2, 1, 9, 9])
  })
})
