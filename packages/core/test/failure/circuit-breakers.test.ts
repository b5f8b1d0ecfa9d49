import { CircuitBreakers, ManualClock } from '@millrace/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const options = { threshold: 0.5, window: 4, minimum: 2, openMs: 1_000 }

function breakersOf(overrides: Partial<typeof options> = {}) {
  const clock = new ManualClock()
  const changes: string[] = []
  const breakers = new CircuitBreakers({ ...options, ...overrides }, clock, (node, from, to) => changes.push(`${node}: ${from} to ${to}`))
  return { breakers, clock, changes }
}

describe('a circuit breaker', () => {
  test('opens when the share of failures in its window reaches the threshold, not before the minimum', () => {
    const { breakers, changes } = breakersOf()
    breakers.failed('node')
    expect(breakers.waitMs()).toBe(0)
    breakers.succeeded('node')
    expect(breakers.waitMs()).toBe(0)
    breakers.failed('node')
    expect(changes).toEqual(['node: closed to open'])
    expect(breakers.waitMs()).toBe(1_000)
    expect([...breakers.open]).toEqual([['node', 'open']])
  })

  test('is half-open when its time is over and a batch is tried, and closed when that goes well', async () => {
    const { breakers, clock, changes } = breakersOf()
    breakers.failed('node')
    breakers.failed('node')
    await clock.advance(999)
    breakers.try()
    expect(breakers.waitMs()).toBe(1)
    await clock.advance(1)
    expect(breakers.waitMs()).toBe(0)
    breakers.try()
    expect([...breakers.open]).toEqual([['node', 'half-open']])
    breakers.succeeded('node')
    expect(changes).toEqual(['node: closed to open', 'node: open to half-open', 'node: half-open to closed'])
    // What was before counts no more: of three batches one has failed.
    breakers.succeeded('node')
    breakers.failed('node')
    expect(breakers.waitMs()).toBe(0)
  })

  test('opens again, for as long, when the batch that is tried fails', async () => {
    const { breakers, clock, changes } = breakersOf()
    breakers.failed('node')
    breakers.failed('node')
    await clock.advance(1_500)
    breakers.try()
    breakers.failed('node')
    expect(changes.at(-1)).toBe('node: half-open to open')
    expect(breakers.waitMs()).toBe(1_000)
  })

  test('of one node is none of another', () => {
    const { breakers } = breakersOf()
    breakers.failed('one')
    breakers.failed('one')
    breakers.succeeded('other')
    expect([...breakers.open]).toEqual([['one', 'open']])
  })

  test('is asked for, and tried, by its name alone', async () => {
    const { breakers, clock } = breakersOf()
    for (const name of ['one', 'one', 'other', 'other']) breakers.failed(name)
    await clock.advance(1_000)
    breakers.try('one')
    expect([...breakers.open]).toEqual([
      ['one', 'half-open'],
      ['other', 'open'],
    ])
    breakers.failed('one')
    expect([breakers.waitMs('one'), breakers.waitMs('other'), breakers.waitMs('third')]).toEqual([1_000, 0, 0])
  })

  test('opens exactly when at least the share of the last batches failed, whatever went before', () => {
    const batches = fc.array(fc.boolean(), { maxLength: 30 })
    const shares = fc.constantFrom(0.25, 0.5, 0.75, 1)
    fc.assert(
      fc.property(batches, shares, fc.integer({ min: 1, max: 8 }), (sequence, threshold, window) => {
        const minimum = Math.min(2, window)
        const { breakers } = breakersOf({ threshold, window, minimum })
        for (let i = 0; i < sequence.length; i++) {
          if (sequence[i] === true) breakers.succeeded('node')
          else breakers.failed('node')
          const seen = sequence.slice(Math.max(0, i + 1 - window), i + 1)
          const failed = seen.filter((good) => !good).length
          const opens = sequence[i] === false && seen.length >= minimum && failed / seen.length >= threshold
          expect(breakers.open.size === 1).toBe(opens)
          if (opens) return
        }
      }),
    )
  })
})
