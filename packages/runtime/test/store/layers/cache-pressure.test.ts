import { serdes, type StoreBackend } from '@millrace/core'
import { MemoryStoreBackend } from '@millrace/store-memory'
import { describe, expect, test } from 'vitest'
import { openStore } from './support/open-store.ts'
import { commit, pass } from './support/passes.ts'
import { slowBackend } from './support/slow-backend.ts'

describe('a cache that is too small', () => {
  test('forgets what a failed pass gives back and there is no room for, once', async () => {
    await using opened = await openStore({ key: serdes.string, value: serdes.bytes, cacheBytes: 2_000 })
    const { store, handle } = opened
    await pass(store, () => handle.set('small', new Uint8Array(10)))
    await commit(store)
    await pass(store, () => handle.set('big', new Uint8Array(1_700)))
    store.seal()
    store.begin()
    handle.set('small', new Uint8Array(11))
    handle.set('big', new Uint8Array(12))
    await store.persist(Uint8Array.of(1))
    store.rollback()
    expect((await handle.getBatch(['small', 'big'])).map((value) => value?.length)).toEqual([10, 1_700])
  })

  test('does not make an update read key by key what it makes it forget', async () => {
    const memory = new MemoryStoreBackend()
    const asked: number[] = []
    const backend: StoreBackend = Object.assign(slowBackend(memory, 0), {
      getMany: (keys: readonly Uint8Array[]) => {
        asked.push(keys.length)
        return memory.getMany(keys)
      },
    })
    const keys = Array.from({ length: 301 }, (_, i) => `key ${String(i).padStart(5, '0')}`)
    // Room for all but one.
    await using opened = await openStore({ key: serdes.string, value: serdes.string, backend, cacheBytes: 300 * (250 + 9 + 8) })
    const { store, batchHandle: handle } = opened
    await pass(store, () => handle.setBatch(keys.map((key) => [key, '12345678'])))
    await commit(store)
    for (let i = 0; i < 2; i++) await handle.getBatch(keys.slice(0, 300))
    asked.length = 0
    await pass(store, async () => {
      expect(await handle.updateBatch(keys, (value) => `${value}`)).toEqual(keys.map(() => '12345678'))
    })
    expect(asked).toHaveLength(1)
  })
})
