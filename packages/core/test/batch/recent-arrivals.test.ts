import { describe, expect, test } from 'vitest'
import { RecentArrivals } from '@millrace/core'

describe('recent arrivals', () => {
  const after = (...arrivals: readonly (readonly [records: number, now: number])[]) => {
    const recent = new RecentArrivals(100)
    for (const [records, now] of arrivals) recent.add(records, now)
    return recent.perMs
  }

  test('are unknown before a whole span is over', () => {
    expect(after()).toBeUndefined()
    expect(after([30, 1_000], [30, 1_099])).toBeUndefined()
    expect(after([30, 1_000], [20, 1_099], [1, 1_100])).toBe(0.5)
  })

  test('are the most of the last spans, the present one included', () => {
    expect(after([10, 0], [80, 100])).toBe(0.8)
    expect(after([80, 0], [10, 100], [10, 200])).toBe(0.8)
    const later = Array.from({ length: 11 }, (_, i) => [10, 100 * (i + 1)] as const)
    expect(after([80, 0], ...later)).toBe(0.1)
  })

  test('are not fewer because nothing came for a long time', () => {
    expect(after([80, 0], [80, 1_000_000])).toBe(0.8)
  })

  test('begin a span anew when the clock is set back', () => {
    expect(after([80, 1_000_000], [10, 5], [10, 20])).toBe(0.8)
  })
})
