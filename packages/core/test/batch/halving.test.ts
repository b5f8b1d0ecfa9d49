import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { halving, type Part } from '../../src/batch/halving.ts'

/** Looks for these records; the parts that were asked for, those that went well, and what was found. */
function search(count: number, bad: ReadonlySet<number>) {
  const asked: Part[] = []
  const done: number[] = []
  const steps = halving(count)
  for (let step = steps.next(); ;) {
    if (step.done === true) return { asked, done, found: step.value }
    const { from, to } = step.value
    asked.push(step.value)
    const records = Array.from({ length: to - from }, (_, i) => from + i)
    const failed = records.some((record) => bad.has(record))
    if (!failed) done.push(...records)
    step = steps.next(failed)
  }
}

const batches = fc.integer({ min: 1, max: 300 }).chain((count) =>
  fc.tuple(
    fc.constant(count),
    fc.uniqueArray(fc.integer({ min: 0, max: count - 1 }), { minLength: 1, maxLength: count }).map((bad) => new Set(bad)),
  ),
)

describe('halving', () => {
  test('finds every bad record, and processes each of the others once, in order', () => {
    fc.assert(
      fc.property(batches, ([count, bad]) => {
        const { done, found } = search(count, bad)
        expect(found).toEqual([...bad].sort((a, b) => a - b))
        expect(done).toEqual(Array.from({ length: count }, (_, i) => i).filter((i) => !bad.has(i)))
      }),
    )
  })

  test('takes few parts for few bad records, and never two for each record', () => {
    fc.assert(
      fc.property(batches, ([count, bad]) => {
        const { asked } = search(count, bad)
        expect(asked.length).toBeLessThanOrEqual(2 * bad.size * (Math.log2(count / bad.size) + 1))
        expect(asked.length).toBeLessThan(2 * count)
      }),
      { numRuns: 500 },
    )
  })

  test.each([
    ['first', 0, 6],
    ['last', 7, 4],
    ['middle', 3, 5],
  ])('of eight records with the %s one bad (%i) takes %i parts', (_, bad, calls) => {
    expect(search(8, new Set([bad])).asked).toHaveLength(calls)
  })

  test('is over at once for a record that stands alone', () => {
    expect(search(1, new Set([0]))).toEqual({ asked: [], done: [], found: [0] })
  })
})
