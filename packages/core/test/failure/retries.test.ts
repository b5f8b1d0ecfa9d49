import { BatchRecordError, DEFAULT_FAILURE_OPTIONS, isRetryable, MillraceError, retryDelay, SerdeError } from '@millrace/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const { retry } = DEFAULT_FAILURE_OPTIONS

describe('retryDelay', () => {
  it('doubles from 100 ms up to 30 s', () => {
    const delays = Array.from({ length: 11 }, (_, i) => retryDelay(i + 1, { ...retry, jitter: 0 }, 0.9))
    expect(delays).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000])
  })

  it('takes a share of the jitter off', () => {
    expect(retryDelay(2, retry, 0)).toBe(200)
    expect(retryDelay(2, retry, 0.5)).toBe(150)
    expect(retryDelay(2, { ...retry, jitter: 1 }, 0.75)).toBe(50)
  })

  it('is within its bounds for any options', () => {
    const options = fc.record({
      initialDelayMs: fc.nat({ max: 10_000 }),
      maxDelayMs: fc.integer({ min: 10_000, max: 2_147_483_647 }),
      factor: fc.double({ min: 1, max: 1_000, noNaN: true }),
      jitter: fc.double({ min: 0, max: 1, noNaN: true }),
      nonRetryable: fc.constant([]),
    })
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100_000 }),
        options,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (n, given, random) => {
          const full = retryDelay(n, { ...given, jitter: 0 }, random)
          const delay = retryDelay(n, given, random)
          expect(Number.isInteger(delay)).toBe(true)
          expect(delay).toBeLessThanOrEqual(full)
          expect(delay).toBeGreaterThanOrEqual(Math.floor(full * (1 - given.jitter)))
          expect(full).toBeLessThanOrEqual(given.maxDelayMs)
          expect(full).toBeGreaterThanOrEqual(given.initialDelayMs)
        },
      ),
    )
  })
})

describe('isRetryable', () => {
  class Refused extends Error {}
  class RefusedForGood extends Refused {}

  it('is so for whatever is thrown', () => {
    for (const error of [new Error('x'), 'x', null, undefined, {}]) expect(isRetryable(error, [])).toBe(true)
  })

  it('is not for the classes named, their subclasses, and what they caused', () => {
    expect(isRetryable(new Refused('x'), [TypeError, Refused])).toBe(false)
    expect(isRetryable(new RefusedForGood('x'), [Refused])).toBe(false)
    expect(isRetryable(new Error('x', { cause: new Error('y', { cause: new Refused('z') }) }), [Refused])).toBe(false)
    expect(isRetryable(new BatchRecordError(3, new Refused('x')), [Refused])).toBe(false)
    expect(isRetryable(new Refused('x'), [RefusedForGood])).toBe(true)
  })

  it('is for an error of ours what it says, and for one that only names a record what that failed with', () => {
    expect(isRetryable(new MillraceError('X', 'x', { stage: 'store', retryable: true }), [])).toBe(true)
    expect(isRetryable(new MillraceError('X', 'x', { stage: 'store' }), [])).toBe(false)
    expect(isRetryable(new BatchRecordError(1, new Error('x')), [])).toBe(true)
    expect(isRetryable(new BatchRecordError(1, 'x'), [])).toBe(true)
    expect(isRetryable(new BatchRecordError(1, undefined), [])).toBe(true)
    expect(isRetryable(new BatchRecordError(1, new SerdeError('int32', 'serialize', 'x')), [])).toBe(false)
  })

  it('bears circles, and classes that throw', () => {
    const circle = new Error('x')
    circle.cause = circle
    class Odd {
      static [Symbol.hasInstance](): boolean {
        throw new Error('no')
      }
    }
    expect(isRetryable(circle, [Refused, Odd])).toBe(true)
  })
})
