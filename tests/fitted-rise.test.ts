import { expect, test } from 'vitest'
import { fittedRise } from './support/memory-member.ts'
import { Random } from './support/random.ts'

const REPORTS = 300

/** Memory with garbage that goes up and down by 80 MiB, and a collection now and then that leaves peaks and valleys. */
function sizes(leakOfReport: number): number[] {
  const random = new Random(7)
  return Array.from({ length: REPORTS }, (_, i) => 150 + random.below(80) + (i % 60 === 0 ? 150 : 0) + leakOfReport * i)
}

test('what comes and goes is no rise, however high, at either end', () => {
  expect(Math.abs(fittedRise(sizes(0)))).toBeLessThan(10)
  expect(Math.abs(fittedRise([...sizes(0), 400, 400]))).toBeLessThan(10)
  expect(fittedRise([1])).toBe(0)
})

test('what is kept for good is found below that', () => {
  const rise = fittedRise(sizes(0.3))
  expect(rise).toBeGreaterThan(80)
  expect(rise).toBeLessThan(100)
})
