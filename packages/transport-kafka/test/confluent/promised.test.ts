import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { promised } from '../../src/confluent/promised.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

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
  expect(await silent).toMatchObject({ kind: 'timed-out', message: 'no answer within 10 ms to: ask' })
  expect(vi.getTimerCount()).toBe(0)
})
