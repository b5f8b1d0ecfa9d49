import { type Serde, serdes } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { openStore } from './support/open-store.ts'
import { commit, pass } from './support/passes.ts'

const keys = Array.from({ length: 30 }, (_, i) => `key ${String(i).padStart(2, '0')}`)

/** A serde that calls what it is told to, once, when it has been called so often. */
class Calling {
  #calls = 0
  #at = -1
  #call: () => void = () => undefined

  readonly serde: Serde<string> = {
    ...serdes.string,
    identity: false,
    serializeBatch: undefined,
    serialize: (value) => {
      this.#called()
      return serdes.string.serialize(value)
    },
    deserialize: (bytes, start, end) => {
      this.#called()
      return serdes.string.deserialize(bytes, start, end)
    },
  }

  next(at: number, call: () => void): void {
    this.#calls = 0
    this.#at = at
    this.#call = call
  }

  #called(): void {
    if (++this.#calls === this.#at) this.#call()
  }
}

describe('a serde that uses the store itself', () => {
  test('while an update reads: what it makes the store forget is not written to', async () => {
    const calling = new Calling()
    await using opened = await openStore({ key: serdes.string, value: { ...calling.serde, immutable: false }, cacheBytes: 1_100 })
    const { store, handle } = opened
    await pass(store, () => handle.setBatch(keys.map((key) => [key, key])))
    await commit(store)
    await handle.getBatch(keys.slice(0, 2))
    store.begin()
    calling.next(2, () => void keys.slice(5, 15).map((key) => handle.get(key)))
    await handle.updateBatch(keys.slice(0, 2), (value) => `updated ${value}`)
    store.succeed()
    await commit(store)
    expect(await handle.getBatch(keys)).toEqual(keys.map((key, i) => (i < 2 ? `updated ${key}` : key)))
  })

  test('while a value is read: what it has set stays', async () => {
    const calling = new Calling()
    await using opened = await openStore({ key: serdes.string, value: calling.serde })
    const { store, handle } = opened
    await pass(store, () => handle.set('a', 'old'))
    await commit(store)
    store.discard()
    store.begin()
    calling.next(1, () => handle.set('a', 'new'))
    handle.get('a')
    store.succeed()
    await commit(store)
    expect(handle.get('a')).toBe('new')
    store.discard()
    expect(handle.get('a')).toBe('new')
  })

  test('while a commit takes values: a pass under way has its changes', async () => {
    let call: () => void = () => undefined
    const value: Serde<number> = {
      ...serdes.int32,
      byteLength: undefined,
      serializeBatch: (values) => {
        call()
        return serdes.int32.serializeBatch?.(values) as never
      },
    }
    await using opened = await openStore({ key: serdes.string, value, cacheBytes: 1_100 })
    const { store, handle } = opened
    await pass(store, () => handle.setBatch(keys.map((key, i) => [key, i])))
    await commit(store)
    await pass(store, () => handle.set('sealed', 1))
    handle.get('key 00')
    store.begin()
    handle.set('key 00', 1_000)
    call = () => {
      call = () => undefined
      for (const key of keys.slice(10, 20)) handle.get(key)
    }
    store.seal()
    await store.persist(Uint8Array.of(1))
    store.succeed()
    await commit(store)
    store.discard()
    expect(await handle.getBatch(keys)).toEqual(keys.map((_, i) => (i === 0 ? 1_000 : i)))
  })
})

test('keys and values of arrays with holes are refused as what is missing', async () => {
  await using opened = await openStore({ key: serdes.string, value: { ...serdes.string, identity: false } })
  const { store, handle } = opened
  // As long as it says, and with nothing in it.
  const holes = Object.assign<string[], object>([], { length: 2 })
  store.begin()
  await expect(handle.getBatch(holes)).rejects.toThrow("Store 'counts': a key can't be undefined.")
  const values = Object.assign(['1'], { length: 2 })
  expect(() => handle.setBatch({ keys: ['a', 'b'], values })).toThrow("Store 'counts': a value can't be undefined; use delete()")
})
