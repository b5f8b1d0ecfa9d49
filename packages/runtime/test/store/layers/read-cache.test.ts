import { describe, expect, test } from 'vitest'
import { type Entry, newEntry } from '../../../src/store/layers/entry.ts'
import { ReadCache } from '../../../src/store/layers/read-cache.ts'

const entry = (bytes: number): Entry => newEntry(new Uint8Array(4), new Uint8Array(bytes), -1)

/** How many bytes of entries the cache still has, of `ids`. Looked at from the newest: looking keeps. */
function heldBytes(cache: ReadCache, ids: number): number {
  let held = 0
  for (let id = ids - 1; id >= 0; id--) {
    const found = cache.get(id)
    if (found !== undefined) held += found.bytes
  }
  return held
}

describe('the cache of committed entries', () => {
  test('never holds more than it may', () => {
    const cache = new ReadCache(20_000)
    let most = 0
    for (let id = 0; id < 1_000; id++) {
      cache.put(id, entry((id * 37) % 900))
      if (id % 50 === 0) most = Math.max(most, heldBytes(cache, id + 1))
    }
    expect(most).toBeLessThanOrEqual(20_000)
    expect(heldBytes(cache, 1_000)).toBeGreaterThan(5_000)
  })

  test('keeps what is used and forgets what is not', () => {
    const cache = new ReadCache(20 * entry(10).bytes)
    cache.put('used', entry(10))
    cache.put('unused', entry(10))
    for (let id = 0; id < 1_000; id++) {
      cache.put(id, entry(10))
      expect(cache.get('used')).toBeDefined()
    }
    expect(cache.get('unused')).toBeUndefined()
  })

  test('has the last entry of a key, or none', () => {
    const cache = new ReadCache(20 * entry(10).bytes)
    for (let round = 0; round < 200; round++) {
      const put = entry(10)
      cache.put('a', put)
      for (let id = 0; id < round % 17; id++) cache.put(id, entry(10))
      const found = cache.get('a')
      expect(found === undefined || found === put).toBe(true)
    }
  })

  test('does not keep what takes more than half of it, nor what was there before', () => {
    const cache = new ReadCache(4_000)
    cache.put('a', entry(10))
    cache.put('a', entry(3_000))
    expect(cache.get('a')).toBeUndefined()
    cache.put('b', entry(10))
    for (let id = 0; id < 3; id++) cache.put(id, entry(10))
    cache.put('b', entry(3_000))
    expect(cache.get('b')).toBeUndefined()
  })

  test('keeps nothing when it may hold nothing', () => {
    const cache = new ReadCache(0)
    cache.put('a', entry(0))
    expect(cache.get('a')).toBeUndefined()
  })
})
