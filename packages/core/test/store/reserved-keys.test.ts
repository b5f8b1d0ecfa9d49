import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareBytes } from '../../src/store/compare-bytes.ts'
import { METADATA_KEY, ownKey, storedKey, userKey } from '../../src/store/reserved-keys.ts'

/** Keys that come near the reserved ones: their beginnings, themselves, and what follows them. */
const nearReserved = fc
  .tuple(fc.integer({ min: 0, max: METADATA_KEY.length }), fc.uint8Array({ maxLength: 3 }), fc.constantFrom(0, 1, 2, 255))
  .map(([length, rest, extra]) => Uint8Array.of(...METADATA_KEY.subarray(0, length), ...rest, extra))
const anyKey = fc.oneof(nearReserved, fc.uint8Array({ maxLength: 16 }))

describe('reserved keys', () => {
  test('are given to no key of a user', () => {
    fc.assert(
      fc.property(anyKey, (key) => {
        const stored = storedKey(key)
        return compareBytes(stored, METADATA_KEY) !== 0 && compareBytes(stored, ownKey('format')) !== 0
      }),
    )
  })

  test('give every key of a user back as it was', () => {
    fc.assert(fc.property(anyKey, (key) => compareBytes(userKey(storedKey(key)) ?? Uint8Array.of(), key) === 0))
  })

  test('leave the order of keys as it was', () => {
    fc.assert(fc.property(anyKey, anyKey, (a, b) => Math.sign(compareBytes(storedKey(a), storedKey(b))) === Math.sign(compareBytes(a, b))))
  })

  test('cost keys that are far from them nothing: they are stored as they are', () => {
    const key = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 42)
    expect(storedKey(key)).toBe(key)
    expect(userKey(key)).toBe(key)
  })

  test('are hidden', () => {
    expect(userKey(METADATA_KEY)).toBeUndefined()
    expect(userKey(ownKey('format'))).toBeUndefined()
    expect(compareBytes(METADATA_KEY, ownKey('format'))).not.toBe(0)
  })
})
