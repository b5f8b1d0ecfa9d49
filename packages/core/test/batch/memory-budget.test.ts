import { MemoryBudget } from '@millrace/core'
import { describe, expect, it } from 'vitest'

describe('a memory budget', () => {
  it('is spent from its limit on, and tells when that changes', () => {
    const budget = new MemoryBudget(10)
    const told: boolean[] = []
    const stop = budget.onChange(() => told.push(budget.spent))
    for (const bytes of [4, 5, 1, 3]) budget.take(bytes)
    budget.giveBack(3)
    budget.giveBack(1)
    stop()
    budget.take(50)
    expect(told).toEqual([true, false])
    expect(budget.usedBytes).toBe(59)
  })

  it('may be without a limit', () => {
    const budget = new MemoryBudget(Infinity)
    budget.take(Number.MAX_SAFE_INTEGER)
    expect(budget.spent).toBe(false)
  })

  it.each([
    [Number.NaN, 'NaN'],
    [0, '0'],
    [0.5, '0.5'],
    [-1, '-1'],
    [undefined, 'undefined'],
    ['64 MiB', '"64 MiB"'],
  ])('refuses a limit of %s: nothing or everything would fit', (limit, described) => {
    const message = `The limit of a MemoryBudget is ${described}; use a number of bytes of at least 1, or Infinity.`
    expect(() => new MemoryBudget(limit as number)).toThrow(new TypeError(message))
  })
})
