import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { memory } from 'millrace/memory'
import { ACKNOWLEDGEMENTS, HOWS, runFailing } from './support/failing-run.ts'

describe('a batch of which records fail', () => {
  test('is settled with every acknowledgement and way of failing: good records count once and in order, bad ones are dead letters', async () => {
    const times = fc.array(fc.constantFrom(0, 0, 0, 1, 2, 3, Infinity), { minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(times, fc.constantFrom(...HOWS), fc.constantFrom(...ACKNOWLEDGEMENTS), async (each, how, acknowledgement) => {
        const failing = { how, times: new Map(each.map((count, value) => [value, count])) }
        const { out, dead, counted, committed, error } = await runFailing({
          transport: memory(),
          count: each.length,
          failing,
          failure: { acknowledgement },
        })
        expect(error).toBeUndefined()
        const all = each.map((_, value) => value)
        const always = all.filter((value) => each[value] === Infinity)
        expect([...out, ...dead].toSorted((a, b) => a - b)).toEqual(all)
        expect(out).toEqual(out.toSorted((a, b) => a - b))
        expect(dead).toEqual(expect.arrayContaining(always))
        // Those that fail no more often than there are retries are no dead letters, where each failure was its own.
        for (const value of dead) expect(each[value]).toBeGreaterThan(0)
        expect(counted).toEqual(new Map(out.map((value) => [value, 1])))
        expect(committed).toBe(each.length)
      }),
      { numRuns: 150 },
    )
  })
})
