import type { OffsetCommit } from '@millrace/core'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ClientError } from '../../src/client/client-error.ts'
import { OffsetCommits } from '../../src/commit/offset-commits.ts'
import { closed } from '../../src/errors/kafka-error.ts'

const TIMEOUT_MS = 1_000

function at(offset: number, partition = 0): OffsetCommit {
  return { topic: 't', partition, offset }
}

function open() {
  const sent: (readonly OffsetCommit[])[] = []
  return { sent, commits: new OffsetCommits((offsets) => void sent.push(offsets), TIMEOUT_MS) }
}

/** Listens from now on, so that a rejection is not unhandled before it is looked at. */
function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  )
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('commits', () => {
  test('resolve when the broker has confirmed them, one after the other', async () => {
    const { sent, commits } = open()
    const first = commits.commit([at(1)])
    const second = commits.commit([at(2)])
    expect(sent).toEqual([[at(1)]])
    expect(commits.isPending).toBe(true)
    commits.onCommitted(undefined, [at(1)])
    await first
    expect(sent).toEqual([[at(1)], [at(2)]])
    commits.onCommitted(undefined, [at(2)])
    await second
    expect(commits.isPending).toBe(false)
  })

  test('are not settled by what answers others', async () => {
    const { commits } = open()
    const both = commits.commit([at(1, 0), at(1, 1)])
    commits.onCommitted(new ClientError('stale', { kind: 'timed-out', code: 0 }), [at(1, 0)])
    commits.onCommitted(undefined, [at(1, 0), at(2, 1)])
    expect(commits.isPending).toBe(true)
    commits.onCommitted(undefined, [at(1, 1), at(1, 0)])
    await both
  })

  test('of one partition twice are answered by the last: nothing waits behind them for ever', async () => {
    const { sent, commits } = open()
    const twice = commits.commit([at(0), at(500)])
    const next = commits.commit([at(501)])
    commits.onCommitted(undefined, [at(0), at(500)])
    await twice
    expect(sent.at(-1)).toEqual([at(501)])
    commits.onCommitted(undefined, [at(501)])
    await next
  })

  test('reject with why they were refused', async () => {
    const { commits } = open()
    const commit = commits.commit([at(5)])
    commits.onCommitted(new ClientError('Broker: Unknown member', { kind: 'member-gone', code: 25 }), [at(5)])
    await expect(commit).rejects.toMatchObject({
      code: 'COMMIT_REFUSED',
      retryable: false,
      stage: 'commit',
      topic: 't',
      partition: 0,
      offset: 5,
    })
    const next = commits.commit([at(5), at(5, 1)])
    commits.onCommitted(new ClientError('Broker: Group rebalance in progress', { kind: 'rebalancing', code: 27 }), [at(5), at(5, 1)])
    await expect(next).rejects.toMatchObject({ retryable: true, topic: undefined })
  })

  test('that are not answered in time reject, and hold back later ones until they are', async () => {
    const { sent, commits } = open()
    const late = rejection(commits.commit([at(1)]))
    await vi.advanceTimersByTimeAsync(TIMEOUT_MS)
    expect(await late).toMatchObject({ code: 'TIMED_OUT', retryable: true })
    const next = commits.commit([at(2)])
    expect(sent).toHaveLength(1)
    commits.onCommitted(undefined, [at(1)])
    expect(sent).toHaveLength(2)
    commits.onCommitted(undefined, [at(2)])
    await next
  })

  test('that nobody waits for any more are not sent', async () => {
    const { sent, commits } = open()
    const first = rejection(commits.commit([at(1)]))
    const second = rejection(commits.commit([at(2)]))
    await vi.advanceTimersByTimeAsync(TIMEOUT_MS)
    expect([await first, await second]).toMatchObject([{ code: 'TIMED_OUT' }, { code: 'TIMED_OUT' }])
    commits.onCommitted(undefined, [at(1)])
    expect(sent).toHaveLength(1)
  })

  test('reject when the client is gone, or never took them', async () => {
    const { commits } = open()
    const sent = rejection(commits.commit([at(1)]))
    const waiting = rejection(commits.commit([at(2)]))
    commits.fail(closed('commit', 'source'))
    expect([await sent, await waiting]).toMatchObject([{ code: 'CLOSED' }, { code: 'CLOSED' }])
    expect(vi.getTimerCount()).toBe(0)
    const refusing = new OffsetCommits(() => {
      throw new ClientError('disconnected', { kind: 'other', code: 0 })
    }, TIMEOUT_MS)
    await expect(refusing.commit([at(1)])).rejects.toMatchObject({ code: 'KAFKA_ERROR' })
    expect(refusing.isPending).toBe(false)
  })

  test.each([-1, 1.5, Number.NaN, 2 ** 53])('of offset %d are refused as a mistake', (offset) => {
    const { commits } = open()
    expect(() => commits.commit([at(offset)])).toThrow(TypeError)
  })
})
