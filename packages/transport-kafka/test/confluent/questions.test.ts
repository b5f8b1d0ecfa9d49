import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ClientError } from '../../src/client/client-error.ts'
import { Questions } from '../../src/confluent/questions.ts'
import type { Callback } from '../../src/confluent/raw-api.ts'
import { UnderWay } from '../../src/confluent/under-way.ts'

const timedOut = { message: 'timed out', code: -185 }

/** Asks a client that answers with each of these after the limit that it was given. */
function open(answers: readonly (typeof timedOut | null)[], requestTimeoutMs = 30_000) {
  const questions = new Questions(new UnderWay(), requestTimeoutMs)
  let asked = 0
  const ask = () =>
    questions.patiently(() =>
      questions.ask('ask', questions.timeoutMs, (callback: Callback<string>) => {
        const error = answers[asked++]
        setTimeout(() => callback(error, 'answer'), questions.timeoutMs)
      }),
    )
  return { questions, ask, asked: () => asked }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('a question', () => {
  test('is a short one, and asked again for as long as a request may take', async () => {
    const { ask, asked } = open([timedOut, timedOut, null])
    const answer = ask()
    await vi.advanceTimersByTimeAsync(15_000)
    expect(await answer).toBe('answer')
    expect(asked()).toBe(3)
  })

  test('ends when a request would have', async () => {
    const { ask, asked } = open(Array.from({ length: 100 }, () => timedOut))
    const failed = ask().catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(30_000)
    expect(await failed).toBeInstanceOf(ClientError)
    expect(asked()).toBe(6)
  })

  test('is not asked again once nobody needs to know', async () => {
    const { questions, ask, asked } = open([timedOut, null])
    const failed = ask().catch((error: unknown) => error)
    questions.end()
    await vi.advanceTimersByTimeAsync(questions.timeoutMs)
    expect(await failed).toMatchObject({ code: 'CLOSED' })
    await expect(ask()).rejects.toMatchObject({ code: 'CLOSED' })
    expect(asked()).toBe(1)
  })

  test('takes no longer than a request may', () => {
    expect(open([], 100).questions.timeoutMs).toBe(100)
  })
})
