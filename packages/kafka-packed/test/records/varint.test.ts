import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readVarint, readVarlong, varintBytes, varintEnd, writeVarint, writeVarlong } from '../../src/records/varint.ts'

/** As the protocol says: zigzag, then seven bits a byte, the lowest first. */
function written(value: number): number[] {
  let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n))
  const bytes: number[] = []
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  return [...bytes, Number(rest)]
}

const long = fc.oneof(fc.integer(), fc.integer({ min: -(2 ** 52), max: 2 ** 52 }), fc.constantFrom(0, -1, 2 ** 31, -(2 ** 31), 2 ** 30))

describe('varints', () => {
  it('of 32 bits are written as the protocol says, and read back', () => {
    fc.assert(
      fc.property(fc.integer(), (value) => {
        const bytes = new Uint8Array(8)
        const end = writeVarint(bytes, 2, value)
        expect([...bytes.subarray(2, end)]).toEqual(written(value))
        expect(varintBytes(value)).toBe(end - 2)
        expect(readVarint(bytes, 2, end)).toBe(value)
        expect(varintEnd).toBe(end)
        expect(readVarint(bytes, 2, end - 1)).toBe(-Infinity)
      }),
    )
  })

  it('of 64 bits are written as the protocol says, and read back', () => {
    fc.assert(
      fc.property(long, (value) => {
        const bytes = new Uint8Array(12)
        const end = writeVarlong(bytes, 1, value)
        expect([...bytes.subarray(1, end)]).toEqual(written(value))
        expect(readVarlong(bytes, 1, end)).toBe(value)
        expect(varintEnd).toBe(end)
        expect(readVarlong(bytes, 1, end - 1)).toBe(-Infinity)
      }),
    )
  })

  it('that never end are none', () => {
    const bytes = new Uint8Array(20).fill(0xff)
    expect(readVarint(bytes, 0, 20)).toBe(-Infinity)
    expect(readVarlong(bytes, 0, 20)).toBe(-Infinity)
  })
})
