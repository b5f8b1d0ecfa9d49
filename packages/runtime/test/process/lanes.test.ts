import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Lanes } from '../../src/process/lanes.ts'

/** What one who never stops takes. */
function takeAll(lanes: Lanes): number[] {
  const taken: number[] = []
  for (let i = lanes.take(undefined); i !== undefined; i = lanes.take(i)) taken.push(i)
  return taken
}

test('single lanes are taken in order', () => {
  expect(takeAll(Lanes.single(3))).toEqual([0, 1, 2])
  expect(takeAll(Lanes.single(0))).toEqual([])
})

test('whoever takes a lane goes on with it, and others begin with the next one', () => {
  const keys = ['a', 'b', 'a', 'c', 'b']
  const lanes = Lanes.byKey(
    keys.length,
    (i) => keys[i],
    () => expect.unreachable(),
  )
  expect(lanes.left).toBe(3)
  expect([lanes.take(undefined), lanes.take(undefined)]).toEqual([0, 1])
  expect([lanes.take(0), lanes.take(1), lanes.take(2)]).toEqual([2, 4, 3])
  expect([lanes.left, lanes.take(4), lanes.take(3)]).toEqual([0, undefined, undefined])
})

test('every record is taken once, those of a key in order; those without a lane are told of', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(5), { nil: undefined }), { maxLength: 40 }), (keys) => {
      const refused: number[] = []
      const keyOf = (i: number) => {
        if (keys[i] === undefined) throw new Error('no key')
        return keys[i]
      }
      const taken = takeAll(Lanes.byKey(keys.length, keyOf, (index) => refused.push(index)))
      expect([...taken, ...refused].sort((a, b) => a - b)).toEqual(keys.map((_, i) => i))
      for (const key of new Set(keys)) {
        const own = taken.filter((i) => keys[i] === key)
        expect(own).toEqual(own.toSorted((a, b) => a - b))
      }
    }),
  )
})
