import { serdes } from '@millrace/core'
import { expect, test } from 'vitest'
import { keyIdentity } from '../../src/process/key-identity.ts'

const idOf = (key: unknown) => keyIdentity(key, serdes.json())

test.each([['text'], [5], [5n], [true], [null], [undefined]])('a primitive stands for itself: %s', (key) => {
  expect(idOf(key)).toBe(key)
})

test('byte arrays are compared by their bytes, whatever they are views of', () => {
  expect(idOf(Uint8Array.of(1, 200))).toBe(idOf(Buffer.from([0, 1, 200]).subarray(1)))
  expect(idOf(Uint8Array.of(1, 200))).not.toBe(idOf(Uint8Array.of(1, 201)))
})

test('other objects are compared by the bytes that the serde makes of them', () => {
  expect(idOf({ id: 1 })).toBe(idOf({ id: 1 }))
  expect(idOf({ id: 1 })).not.toBe(idOf({ id: 2 }))
  expect(idOf(new Date(5))).toBe(idOf(new Date(5)))
})
