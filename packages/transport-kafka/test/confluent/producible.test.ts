import { expect, test } from 'vitest'
import { producible, producibleHeaders } from '../../src/confluent/producible.ts'

test('no bytes are a view with an address, whatever they were', () => {
  for (const empty of [Buffer.alloc(0), new Uint8Array(0), Buffer.from('x').subarray(1)]) {
    const given = producible(empty)
    expect(given?.byteLength).toBe(0)
    expect(given?.buffer.byteLength).toBeGreaterThan(0)
  }
})

test('null and bytes stay what they are', () => {
  const bytes = Buffer.from('x')
  expect(producible(null)).toBeNull()
  expect(producible(bytes)).toBe(bytes)
})

test('a header is an object of its own, also where keys repeat or are names of methods', () => {
  const headers = producibleHeaders([
    { key: 'a', value: Buffer.from('1') },
    { key: 'a', value: Buffer.from('2') },
    { key: '__proto__', value: Buffer.from('3') },
  ])
  expect(headers.map((header) => Object.entries(header).map(([key, value]) => [key, String(value)]))).toEqual([
    [['a', '1']],
    [['a', '2']],
    [['__proto__', '3']],
  ])
})

test('a null header has no address, an empty one has', () => {
  const [none, empty] = producibleHeaders([
    { key: 'none', value: null },
    { key: 'empty', value: new Uint8Array(0) },
  ])
  expect(none?.['none']?.buffer.byteLength).toBe(0)
  expect(empty?.['empty']?.buffer.byteLength).toBeGreaterThan(0)
})
