import { MillraceError } from '@millrace/core'
import type { MemoryOperation } from '@millrace/transport-memory'
import { describe, expect, test } from 'vitest'
import { numbered, publishing, settle, threeTopics } from './support/publishing.ts'

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n)
const refusal = (code: string, retryable = false) => new MillraceError(code, 'No.', { stage: 'sink', retryable })

/** Sends to a topic are never answered. */
const stuckOn = (topic: string) => ({
  before: (operation: MemoryOperation) =>
    operation.type === 'send' && operation.topic === topic ? new Promise<void>(() => undefined) : undefined,
})

describe('a topic that is stuck', () => {
  test('leaves the others their part of the buffer, and of the room to wait in', async () => {
    const { publisher, closeNow } = await publishing({
      events: threeTopics,
      faults: stuckOn('a'),
      buffer: { maxEvents: 12 },
      batch: { strategy: 'immediate' },
    })
    for (const n of upTo(100)) void publisher.publish('a', { n })
    await settle()
    expect(publisher.getBatchStatus()).toMatchObject({ waitingForRoom: 8 })
    const others = await Promise.all(upTo(8).map(async (n) => (await publisher.publish(n % 2 === 0 ? 'b' : 'c', { n })).topic))
    expect(others).toHaveLength(8)
    await closeNow()
  })

  test('has what comes later of its keys wait, on whatever topic', async () => {
    const { publisher, sends, closeNow } = await publishing({
      events: threeTopics,
      faults: stuckOn('a'),
      buffer: { maxEvents: 12 },
      batch: { strategy: 'immediate' },
    })
    for (const n of upTo(10)) void publisher.publish('a', { key: `k${n}`, n })
    void publisher.publish('b', { key: 'k9', n: 11 })
    await settle()
    expect(sends.filter(({ topic }) => topic === 'b')).toEqual([])
    await closeNow()
  })

  test('has no forced flush or transaction turn batches off for the others', async () => {
    const { publisher, sends, closeNow, advance } = await publishing({
      events: threeTopics,
      faults: stuckOn('a'),
      transactionalId: 't',
    })
    void publisher.publish('a', { key: 'k', n: 1 })
    void publisher.publish('b', { key: 'k', n: 2 })
    void publisher.forceFlush()
    publisher.publishTransaction([{ type: 'c', payload: { key: 'k', n: 3 } }]).catch(() => undefined)
    await settle()
    sends.length = 0
    for (const n of upTo(3)) {
      void publisher.publish('b', { n })
      await settle()
    }
    expect(sends).toEqual([])
    await advance(500)
    expect(sends).toEqual([{ topic: 'b', records: 3 }])
    await closeNow()
  })
})

describe('a topic that is slow', () => {
  test('gets the next flight all the same, up to five, but of no key that is on its way', async () => {
    const { publisher, operations, advance, closeNow } = await publishing({ events: threeTopics, faults: stuckOn('a'), batch: { size: 2 } })
    const publish = (keys: readonly string[]) => keys.map((key, n) => void publisher.publish('a', { key, n }))
    publish(['k1', 'k2'])
    await settle()
    publish(['k1', 'k3', 'k4'])
    await settle()
    expect(operations).toHaveLength(1)
    await advance(10)
    expect(operations).toHaveLength(2)
    expect(publisher.getBatchStatus()).toMatchObject({ pendingEvents: 1, inFlight: 4 })
    for (let flight = 2; flight < 8; flight++) {
      publish([`x${flight}`, `y${flight}`])
      await advance(10)
    }
    expect(operations).toHaveLength(5)
    expect(publisher.getBatchStatus().inFlight).toBe(10)
    await closeNow()
  })

  test('gets no other while one is to be sent again', async () => {
    let fails = 1
    const faults = {
      before(operation: MemoryOperation) {
        if (operation.type === 'send' && fails-- > 0) throw refusal('KAFKA_ERROR', true)
      },
    }
    const { publisher, sends, advance } = await publishing({ events: threeTopics, faults, batch: { size: 1 }, circuitBreaker: false })
    const first = publisher.publish('a', { key: 'k1', n: 1 })
    await settle()
    const second = publisher.publish('a', { key: 'k2', n: 2 })
    await advance(90)
    expect(sends).toHaveLength(1)
    await advance(10)
    await Promise.all([first, second])
    expect(sends).toHaveLength(3)
    await publisher.close()
  })
})

describe('a forced flush', () => {
  test('ends when what was published before it is settled, whatever comes after', async () => {
    const { publisher, closeNow } = await publishing({ events: threeTopics, faults: stuckOn('b') })
    void publisher.publish('a', { n: 1 })
    const first = publisher.forceFlush()
    void publisher.publish('b', { n: 2 })
    const ends: string[] = []
    const second = publisher.forceFlush().then(() => ends.push('second'))
    await Promise.all([first, publisher.publish('a', { n: 3 })])
    expect(ends).toEqual([])
    await closeNow()
    await second
    await publisher.forceFlush()
  })

  test('waits for no company of what waited for room behind what came later', async () => {
    let release: () => void = () => undefined
    const gate = new Promise<void>((resolve) => {
      release = () => resolve()
    })
    const faults = { before: ({ type }: MemoryOperation) => (type === 'send' ? gate : undefined) }
    const events = { a: threeTopics.a, b: numbered('b', { batch: { size: 6 } }) }
    const { publisher, read } = await publishing({ events, faults, buffer: { maxEvents: 8 }, batch: { size: 6 } })
    for (const n of upTo(6)) void publisher.publish('a', { n })
    await settle()
    // The first has to wait for room, the second for that; then comes one that has room, of the topic of the second.
    void publisher.publish('a', { key: 'k', n: 6 })
    void publisher.publish('b', { key: 'k', n: 7 })
    const flushed = publisher.forceFlush()
    void publisher.publish('b', { key: 'other', n: 8 })
    expect(publisher.getBatchStatus().waitingForRoom).toBe(2)
    release()
    await flushed
    expect(new Set((await read('b')).map(({ payload }) => payload.n))).toEqual(new Set([7, 8]))
    await publisher.close()
  })
})

describe('a writer that can not be opened', () => {
  test('fails the events of its flush as not sent, and is not opened again for each', async () => {
    let openings = 0
    const faults = {
      before(operation: MemoryOperation) {
        if (operation.type !== 'open-writer') return
        openings++
        throw refusal('KAFKA_AUTHENTICATION')
      },
    }
    const { publisher } = await publishing({ events: threeTopics, faults, batch: { size: 100 } })
    const outcomes = await publisher.publishBatch(upTo(100).map((n) => ({ type: 'a', payload: { n } })))
    expect(outcomes).toMatchObject(upTo(100).map(() => ({ ok: false, error: { code: 'KAFKA_AUTHENTICATION', outcome: 'not-sent' } })))
    expect(openings).toBe(1)
    await publisher.close()
  })
})

test('a topic that is not there does not get single events for that', async () => {
  const { publisher, sends } = await publishing({ events: threeTopics, missing: 'a', batch: { size: 2 } })
  for (let batch = 0; batch < 5; batch++) {
    const outcomes = await publisher.publishBatch(upTo(2).map((n) => ({ type: 'a', payload: { n } })))
    expect(outcomes).toMatchObject([{ ok: false }, { ok: false }])
    await settle()
  }
  expect(publisher.getBatchStatus().degraded).toBe(false)
  expect(sends).toHaveLength(5)
  await publisher.close()
})

test('who does not look at what publish answers is not ended by a full buffer: that is logged, once', async () => {
  const { publisher, closeNow, lines } = await publishing({ events: threeTopics, faults: stuckOn('a'), buffer: { maxEvents: 1 } })
  for (const n of upTo(10)) void publisher.publish('a', { n })
  await settle()
  expect(publisher.metrics().batch.rejected_total).toBe(8)
  expect(lines.filter(({ message }) => message.startsWith('the buffer is full'))).toMatchObject([
    { about: { err: { code: 'BUFFER_FULL' } } },
  ])
  await closeNow()
})

test('an event that was left without an answer once stays unknown, whatever is heard of later tries', async () => {
  let tries = 0
  const faults = {
    before(operation: MemoryOperation) {
      if (operation.type === 'send' && tries++ > 0) throw refusal('KAFKA_ERROR', true)
    },
    after(operation: MemoryOperation) {
      if (operation.type === 'send') throw refusal('TIMED_OUT', true)
    },
  }
  const { publisher, advance } = await publishing({ events: threeTopics, faults, retry: { maxRetries: 1, jitter: 0 } })
  const published = publisher.publish('a', { n: 1 })
  void publisher.forceFlush()
  await advance(1_000)
  await expect(published).rejects.toMatchObject({ code: 'DELIVERY_UNKNOWN', outcome: 'unknown' })
  expect(tries).toBe(2)
  await publisher.close()
})
