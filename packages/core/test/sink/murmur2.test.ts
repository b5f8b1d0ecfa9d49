import { describe, expect, it } from 'vitest'
import { murmur2, partitionForHash, partitionForKey } from '../../src/sink/murmur2.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('murmur2', () => {
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('hashes %j as the Java client does', (text, hash) => {
    expect(murmur2(utf8(text))).toBe(hash)
  })

  it('hashes a range inside a larger buffer as the same bytes on their own', () => {
    for (const text of ['', 'a', 'ab', 'abc', 'abcd', 'abcde', 'ÿþ\u0000']) {
      const key = utf8(text)
      const packed = new Uint8Array(key.length + 7).fill(0xaa)
      packed.set(key, 3)
      expect(murmur2(packed, 3, 3 + key.length)).toBe(murmur2(key))
    }
  })
})

describe('partitionForKey', () => {
  it('drops the sign bit of a negative hash, as the Java client does', () => {
    expect(partitionForKey(utf8('21'), 10)).toBe((-973932308 & 0x7fffffff) % 10)
    expect(partitionForHash(-1, 7)).toBe(0x7fffffff % 7)
  })

  it('stays within the partitions there are', () => {
    for (let i = 0; i < 1_000; i++) {
      const partition = partitionForKey(utf8(`key-${i}`), 7)
      expect(partition).toBeGreaterThanOrEqual(0)
      expect(partition).toBeLessThan(7)
    }
  })
})
