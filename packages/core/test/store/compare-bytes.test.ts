import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { afterPrefix, compareBytes } from '../../src/store/compare-bytes.ts'

const bytes = (...values: readonly number[]) => Uint8Array.from(values)
const anyBytes = fc.uint8Array({ maxLength: 4 })

describe('the order of keys', () => {
  test('is by unsigned bytes, a beginning before what it begins', () => {
    const sorted = [bytes(), bytes(0), bytes(0, 0), bytes(1), bytes(0x7f), bytes(0x80), bytes(0xff), bytes(0xff, 0)]
    expect(sorted.toReversed().toSorted(compareBytes)).toEqual(sorted)
  })

  test('is that of Buffer.compare', () => {
    fc.assert(fc.property(anyBytes, anyBytes, (a, b) => Math.sign(compareBytes(a, b)) === Buffer.compare(a, b)))
  })
})

describe('the key after a prefix', () => {
  test('parts keys that begin with it from those that follow', () => {
    fc.assert(
      fc.property(anyBytes, anyBytes, (prefix, key) => {
        const after = afterPrefix(prefix)
        const within = compareBytes(key, prefix) >= 0 && (after === undefined || compareBytes(key, after) < 0)
        return within === prefix.every((byte, i) => key[i] === byte)
      }),
    )
  })

  test('is none of no bytes, and of 0xff alone', () => {
    expect(afterPrefix(bytes())).toBeUndefined()
    expect(afterPrefix(bytes(0xff, 0xff))).toBeUndefined()
    expect(afterPrefix(bytes(1, 0xff))).toEqual(bytes(2))
  })

  test('leaves the prefix as it is, a Buffer too', () => {
    const prefix = Buffer.from('ab')
    expect(afterPrefix(prefix)).toEqual(new Uint8Array(Buffer.from('ac')))
    expect(prefix.toString()).toBe('ab')
  })
})
