import { MillraceError } from '@millrace/core'
import type { MemoryOperation } from '@millrace/transport-memory'
import { describe, expect, test } from 'vitest'
import { failing } from './support/failing.ts'
import { publishing, settle, threeTopics } from './support/publishing.ts'

const notLeader = () => new MillraceError('KAFKA_ERROR', 'Not the leader.', { stage: 'sink', retryable: true })

describe('closing', () => {
  test('sends what is pending, logs that flush, and takes nothing more', async () => {
    const { publisher, read, flushes } = await publishing({ events: threeTopics })
    void publisher.publish('a', { n: 1 })
    void publisher.publish('b', { n: 2 })
    const closing = publisher.close()
    await expect(publisher.publish('a', { n: 3 })).rejects.toMatchObject({ code: 'PUBLISHER_CLOSED', outcome: 'not-sent' })
    expect(await closing).toEqual({ unsent: [] })
    await expect(publisher.publish('a', { n: 4 })).rejects.toMatchObject({ code: 'PUBLISHER_CLOSED' })
    expect((await read('a')).map(({ payload }) => payload.n)).toEqual([1])
    expect(flushes()).toMatchObject([{ trigger: 'drain', batchSize: 2, topics: 2 }])
    expect(await publisher.close()).toEqual({ unsent: [] })
  })

  test('answers after its time with what could not be sent, and says of each whether it may have been', async () => {
    const faults = { before: (operation: MemoryOperation) => (operation.type === 'send' ? new Promise<void>(() => undefined) : undefined) }
    const { publisher, advance } = await publishing({ events: threeTopics, faults, batch: { size: 1 } })
    const flying = publisher.publish('a', { key: 'k', n: 1 }, { id: 'flying' })
    await settle()
    const waiting = publisher.publish('a', { key: 'k', n: 2 }, { id: 'waiting' })
    const closing = publisher.close({ timeoutMs: 2_000 })
    await advance(2_000)
    await advance(1_000)
    expect(await closing).toEqual({
      unsent: [
        { id: 'flying', type: 'a', topic: 'a', outcome: 'unknown', kept: false },
        { id: 'waiting', type: 'a', topic: 'a', outcome: 'not-sent', kept: false },
      ],
    })
    await expect(flying).rejects.toMatchObject({ code: 'DELIVERY_UNKNOWN', outcome: 'unknown' })
    await expect(waiting).rejects.toMatchObject({ code: 'NOT_SENT', outcome: 'not-sent' })
  })

  test('logs each flush that it has no time for, once, transactions too', async () => {
    const faults = {
      before: ({ type, ...about }: MemoryOperation) =>
        type === 'send' && 'topic' in about && about.topic !== 'a' ? new Promise<void>(() => undefined) : undefined,
    }
    const { publisher, advance, lines, flushes } = await publishing({ events: threeTopics, faults, transactionalId: 'closing' })
    void publisher.publish('a', { n: 1 })
    void publisher.publish('b', { n: 2 })
    void publisher.publishTransaction([{ type: 'c', payload: { n: 3 } }])
    await settle()
    await advance(300)
    const closing = publisher.close({ timeoutMs: 2_000 })
    for (let i = 0; i < 2; i++) await advance(2_000)
    expect((await closing).unsent).toHaveLength(2)
    expect(flushes()).toEqual([])
    const givenUp = lines.filter(({ message }) => message === 'a flush was given up').map(({ about }) => about)
    expect(givenUp).toEqual([
      { batchSize: 1, topics: 1, durationMs: 2_300, trigger: 'transaction', publisher: 'publisher' },
      { batchSize: 2, topics: 2, durationMs: 2_000, trigger: 'drain', publisher: 'publisher' },
    ])
  })

  test('says of what no writer was handed that it was not sent', async () => {
    const faults = {
      before: (operation: MemoryOperation) => (operation.type === 'open-writer' ? new Promise<void>(() => undefined) : undefined),
    }
    const { publisher, advance } = await publishing({ events: threeTopics, faults, batch: { size: 1 } })
    const published = publisher.publish('a', { n: 1 })
    await settle()
    expect(publisher.getBatchStatus().inFlight).toBe(1)
    const closing = publisher.close({ timeoutMs: 100 })
    for (let i = 0; i < 3; i++) await advance(1_000)
    expect((await closing).unsent).toMatchObject([{ outcome: 'not-sent' }])
    await expect(published).rejects.toMatchObject({ code: 'NOT_SENT', outcome: 'not-sent' })
  })

  test('answers with what is given up while it is flushed, as well', async () => {
    const { publisher, advance } = await publishing({ events: threeTopics, missing: 'b', deliveryTimeoutMs: 1_000 })
    const there = publisher.publish('a', { n: 1 })
    void publisher.publish('b', { n: 2 }, { id: 'nowhere' })
    const closing = publisher.close({ timeoutMs: 60_000 })
    for (let i = 0; i < 3; i++) await advance(1_000)
    expect((await closing).unsent).toMatchObject([{ id: 'nowhere', type: 'b', topic: 'b' }])
    await there
  })

  test('ends the wait for a retry', async () => {
    const { publisher, advance } = await publishing({
      events: threeTopics,
      faults: failing('a', 99, notLeader),
      retry: { initialDelayMs: 20_000 },
    })
    const published = publisher.publish('a', { n: 1 })
    const closing = publisher.close({ timeoutMs: 1_000 })
    await advance(1_000)
    expect((await closing).unsent).toHaveLength(1)
    await expect(published).rejects.toMatchObject({ code: 'NOT_SENT', outcome: 'refused' })
  })
})
