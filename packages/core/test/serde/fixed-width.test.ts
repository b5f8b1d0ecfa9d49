import { deserializeColumn, type Serde, SerdeError, serdes, serializeColumn } from '@millrace/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bothForms, hex } from '../support/columns.ts'
import { expectIdentity, expectRoundTrips } from './serde-cases.ts'

const { boolean, int32, int64, safeInt64, float64 } = serdes

type VectorCase = readonly [serializer: string, serde: Serde<unknown>, value: unknown, bytes: string]

/** For tables of serdes of several types. */
function erased<T>(serde: Serde<T>): Serde<unknown> {
  return serde as unknown as Serde<unknown>
}

describe('serdes of fixed width', () => {
  it('give back every value, alone and in columns', () => {
    expectRoundTrips(boolean, fc.boolean())
    expectRoundTrips(int32, fc.integer())
    expectRoundTrips(int64, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))
    expectRoundTrips(safeInt64, fc.maxSafeInteger())
    expectRoundTrips(float64, fc.double())
  })

  it('keep values apart exactly as their bytes do', () => {
    expectIdentity(boolean, fc.boolean())
    expectIdentity(int32, fc.integer({ min: -2, max: 2 }))
    expectIdentity(int64, fc.bigInt({ min: -2n, max: 2n }))
    expectIdentity(safeInt64, fc.constantFrom(0, -0, 1, -1, 2 ** 32, 2 ** 53 - 1))
    expect(float64.identity).toBe(false)
  })

  it.each<VectorCase>([
    ['BooleanSerializer', erased(boolean), true, '01'],
    ['BooleanSerializer', erased(boolean), false, '00'],
    ['IntegerSerializer', erased(int32), 1, '00000001'],
    ['IntegerSerializer', erased(int32), -2, 'fffffffe'],
    ['IntegerSerializer', erased(int32), 2_147_483_647, '7fffffff'],
    ['IntegerSerializer', erased(int32), -2_147_483_648, '80000000'],
    ['LongSerializer', erased(int64), 1n, '0000000000000001'],
    ['LongSerializer', erased(int64), -1n, 'ffffffffffffffff'],
    ['LongSerializer', erased(int64), 9_223_372_036_854_775_807n, '7fffffffffffffff'],
    ['LongSerializer', erased(int64), -9_223_372_036_854_775_808n, '8000000000000000'],
    ['LongSerializer', erased(safeInt64), 1, '0000000000000001'],
    ['LongSerializer', erased(safeInt64), -1, 'ffffffffffffffff'],
    ['LongSerializer', erased(safeInt64), 4_294_967_296, '0000000100000000'],
    ['LongSerializer', erased(safeInt64), -4_294_967_297, 'fffffffeffffffff'],
    ['LongSerializer', erased(safeInt64), 9_007_199_254_740_991, '001fffffffffffff'],
    ['LongSerializer', erased(safeInt64), -9_007_199_254_740_991, 'ffe0000000000001'],
    ['DoubleSerializer', erased(float64), 1.5, '3ff8000000000000'],
    ['DoubleSerializer', erased(float64), -0, '8000000000000000'],
    ['DoubleSerializer', erased(float64), Number.NEGATIVE_INFINITY, 'fff0000000000000'],
    ['DoubleSerializer', erased(float64), Number.NaN, '7ff8000000000000'],
  ])("write what Java's %s writes (%#)", (_, serde, value, bytes) => {
    expect(serde.serialize(value)).toEqual(hex(bytes))
    expect(serde.deserialize(hex(`ff${bytes}ff`), 1, 1 + bytes.length / 2)).toEqual(value)
  })

  it('read every NaN as NaN and write it as the one of Java', () => {
    const odd = float64.deserialize(hex('fff800000000beef'), 0, 8)
    expect(odd).toBeNaN()
    expect(float64.serialize(odd)).toEqual(hex('7ff8000000000000'))
  })

  it.each<[Serde<unknown>, unknown]>([
    [erased(boolean), 1],
    [erased(boolean), null],
    [erased(int32), 2 ** 31],
    [erased(int32), 1.5],
    [erased(int32), Number.NaN],
    [erased(int32), '1'],
    [erased(int32), null],
    [erased(int64), 1],
    [erased(int64), 2n ** 63n],
    [erased(int64), -(2n ** 63n) - 1n],
    [erased(safeInt64), 2 ** 53],
    [erased(safeInt64), -(2 ** 53)],
    [erased(safeInt64), 0.5],
    [erased(safeInt64), 1n],
    [erased(safeInt64), undefined],
    [erased(float64), '1'],
    [erased(float64), null],
  ])('refuse what they have no bytes for (%#)', (serde, value) => {
    expect(() => serde.serialize(value)).toThrow(SerdeError)
    expect(() => serde.byteLength?.(value)).toThrow(SerdeError)
  })

  it.each(['0020000000000000', '0020000000000001', 'ffe0000000000000', '7fffffffffffffff', '8000000000000000'])(
    'safeInt64 refuses to read %s, which a number may not hold exactly',
    (bytes) => {
      expect(() => safeInt64.deserialize(hex(bytes), 0, 8)).toThrow('use serdes.int64')
    },
  )

  it.each<[Serde<unknown>, number]>([
    [erased(boolean), 1],
    [erased(int32), 4],
    [erased(int64), 8],
    [erased(safeInt64), 8],
    [erased(float64), 8],
  ])('demand exactly their own number of bytes (%#)', (serde, width) => {
    for (const length of [0, width - 1, width + 1, 16]) {
      expect(() => serde.deserialize(new Uint8Array(32), 4, 4 + length)).toThrow(`there are ${length} bytes; it takes exactly ${width}.`)
    }
  })

  it('boolean refuses a byte that is neither 0 nor 1', () => {
    expect(() => boolean.deserialize(hex('02'), 0, 1)).toThrow('the byte is 2')
  })

  it('name the bad value of a column and keep the others', () => {
    for (const column of bothForms([hex('00000001'), hex('0001'), null, hex('00000004')])) {
      const { values, failures } = deserializeColumn(int32, column)
      expect(values).toEqual([1, undefined, undefined, 4])
      expect(failures.map(({ index }) => index)).toEqual([1, 2])
    }
    expect(() => serializeColumn(int32, [1, 2, 3.5])).toThrow(expect.objectContaining({ index: 2 }))
  })
})
