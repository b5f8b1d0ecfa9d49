import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crc32c, crc32cByTables } from '../../src/records/crc32c.ts'

function bitByBit(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return ~crc >>> 0
}

describe('crc32c', () => {
  it("gives the polynomial's check value", () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
  })

  it('is that of the bits, of every length and wherever it begins', () => {
    const bytes = Uint8Array.from({ length: 70 }, (_, i) => (i * 167 + 13) & 255)
    for (let start = 0; start < 10; start++) {
      for (let end = start; end <= bytes.length; end++) expect(crc32c(bytes, start, end)).toBe(bitByBit(bytes.subarray(start, end)))
    }
  })

  it('is the same by tables as by the processor', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 400, maxLength: 900 }), fc.nat(20), (bytes, start) => {
        expect(crc32c(bytes, start)).toBe(crc32cByTables(bytes, start, bytes.length))
        expect(crc32c(bytes, start)).toBe(bitByBit(bytes.subarray(start)))
      }),
    )
  })
})
