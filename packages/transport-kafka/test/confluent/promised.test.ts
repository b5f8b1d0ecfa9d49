import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { promised } from '../../src/confluent/promised.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

test('a call that answers is answered', async () => {
  await expect(promised<number>('ask', 10, (callback) => callback(null, 7))).resolves.toBe(7)
  expect(vi.getTimerCount()).toBe(0)
})

test('a call that fails, throws, or never answers rejects', async () => {
  await expect(promised('ask', 10, (callback) => callback({ message: 'no', code: 29 }, undefined))).rejects.toMatchObject({
    kind: 'not-authorized',
  })
  const thrown = promised('ask', 10, () => {
    throw Object.assign(new Error('no'), { code: -172 })
  })
  await expect(thrown).rejects.toMatchObject({ kind: 'not-fetching' })
  const silent = promised('ask', 10, () => {}).catch((error: unknown) => error)
  await vi.runAllTimersAsync()
  expect(await silent).toMatchObject({ kind: 'no-answer', message: 'no answer within 10 ms to: ask' })
  expect(vi.getTimerCount()).toBe(0)
})

test('an answer that was there before a process stood still counts, though the timer comes first', async () => {
  let answer: (error: null, value: number) => void = () => {}
  const asked = promised<number>('ask', 10, (callback) => (answer = callback))
  // Nothing ran for a minute: time has passed, and the timer is much too late.
  const now = performance.now()
  vi.spyOn(performance, 'now').mockImplementation(() => now + 60_000)
  vi.advanceTimersToNextTimer()
  answer(null, 7)
  await expect(asked).resolves.toBe(7)
  expect(vi.getTimerCount()).toBe(0)
})
