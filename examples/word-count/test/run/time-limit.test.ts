import { describe, expect, test, vi } from 'vitest'
import { within } from '../../src/run/time-limit.ts'

describe('a time limit', () => {
  test('leaves alone what ends in time, well or badly', async () => {
    expect(await within(1_000, 'Work', Promise.resolve(7))).toBe(7)
    const error = new Error('work failed')
    await expect(within(1_000, 'Work', Promise.reject(error))).rejects.toBe(error)
  })

  test('ends the wait for what does not, and says so', async () => {
    vi.useFakeTimers()
    try {
      const waiting = within(25_000, 'Work', new Promise<never>(() => undefined))
      await Promise.all([expect(waiting).rejects.toThrow('Work did not end within 25 s.'), vi.advanceTimersByTimeAsync(25_000)])
    } finally {
      vi.useRealTimers()
    }
  })
})
