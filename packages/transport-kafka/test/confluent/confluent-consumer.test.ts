import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Fetched } from '../../src/client/kafka-client.ts'
import { openLate } from '../support/raw-consumer.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function seen({ batches, ends }: Fetched) {
  return { offsets: batches.flatMap(({ offsets }) => Array.from(offsets)), ends: ends.map(({ offset }) => offset) }
}

describe('a fetch', () => {
  test('takes what the client brings however late, in its order, and no other begins beside it', async () => {
    const { raw, consumer } = openLate()
    let fetched: Fetched | undefined
    const first = consumer.fetch(100).then((result) => (fetched = result))
    // As after a process stood still: every timer comes before what the client has to say.
    await vi.advanceTimersByTimeAsync(600_000)
    expect(fetched).toBeUndefined()
    expect(raw.consumes).toHaveLength(1)
    raw.bring([0, 1, 2], 3)
    expect(seen(await first)).toEqual({ offsets: [0, 1, 2], ends: [3] })
    const second = consumer.fetch(100)
    raw.bring([3, 4])
    expect(seen(await second)).toEqual({ offsets: [3, 4], ends: [] })
  })
})

describe('closing', () => {
  test('waits until the client has answered before it disconnects, and rejects when that takes long', async () => {
    const { raw, consumer } = openLate()
    const fetched = consumer.fetch(100)
    const closed = consumer.close().catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await closed).toMatchObject({ kind: 'no-answer' })
    expect(raw.calls).toEqual([])
    raw.bring([0])
    await fetched
    await vi.advanceTimersByTimeAsync(0)
    expect(raw.calls).toEqual(['disconnect'])
  })

  test('ends a seek that is tried again and again', async () => {
    const { consumer } = openLate({ requestTimeoutMs: 60_000 })
    const sought = consumer.seek({ topic: 't', partition: 0, offset: 0 }).catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(1_000)
    consumer.endQuestions()
    await vi.advanceTimersByTimeAsync(100)
    expect(await sought).toMatchObject({ kind: 'not-fetching' })
  })

  test('asks nothing more', async () => {
    const { consumer } = openLate()
    await consumer.close()
    await expect(consumer.committed([{ topic: 't', partition: 0 }])).rejects.toMatchObject({ code: 'CLOSED' })
    expect(await consumer.fetch(1)).toMatchObject({ records: 0 })
  })
})
