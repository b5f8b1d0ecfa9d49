import { HEALTHY_MS, RestartBudget } from '@millrace/core'
import { describe, expect, it } from 'vitest'

describe('a budget of restarts', () => {
  it('waits twice as long each time, up to the longest, and ends', () => {
    const budget = new RestartBudget({ maxRestarts: 4, firstMs: 100, longestMs: 350 })
    expect([1, 2, 3, 4, 5].map(() => budget.next(0))).toEqual([100, 200, 350, 350, undefined])
    expect(budget.restarts).toBe(4)
    expect(budget.next(HEALTHY_MS - 1)).toBeUndefined()
  })

  it('begins anew after a time without', () => {
    const budget = new RestartBudget({ maxRestarts: 1, firstMs: 100, longestMs: 1_000 })
    expect([budget.next(0), budget.next(HEALTHY_MS), budget.next(0)]).toEqual([100, 100, undefined])
  })

  it('may be none', () => {
    expect(new RestartBudget({ maxRestarts: 0, firstMs: 1, longestMs: 1 }).next(HEALTHY_MS)).toBeUndefined()
  })
})
