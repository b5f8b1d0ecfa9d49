import { MillraceError } from '@millrace/core'
import type { MemoryOperation } from '@millrace/transport-memory'
import { describe, expect, test } from 'vitest'
import { type BufferedEvent, EventBuffer } from '../src/event-buffer.ts'
import { Fifo } from '../src/fifo.ts'
import { publishing, settle, threeTopics } from './support/publishing.ts'

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n)

/** Sends to a topic are never answered. */
const stuckOn = (topic: string) => ({
  before: (operation: MemoryOperation) =>
    operation.type === 'send' && operation.topic === topic ? new Promise<void>(() => undefined) : undefined,
})

describe('while a key is stuck', () => {
  test('the others of its group have batches as ever: it counts neither in size nor in age', async () => {
    const { publisher, sends, advance, closeNow } = await publishing({
      events: threeTopics,
      faults: stuckOn('a'),
      batch: { size: 4, timeoutMs: 100 },
    })
    void publisher.publish('a', { key: 'k', n: 0 })
    await advance(100)
    for (const n of upTo(3)) void publisher.publish('b', { key: 'k', n })
    await advance(1_000)
    sends.length = 0
    for (const n of upTo(3)) {
      void publisher.publish('b', { key: `other ${n}`, n })
      await advance(10)
    }
    expect(sends).toEqual([])
    expect(publisher.getBatchStatus()).toMatchObject({ pendingEvents: 6, inFlight: 1 })
    await advance(70)
    expect(sends).toEqual([{ topic: 'b', records: 3 }])
    await closeNow()
  })

  test('for a topic whose circuit is open, what it holds goes when that is closed again, in its order and as batches', async () => {
    let fails = 2
    const faults = {
      before(operation: MemoryOperation) {
        if (operation.type === 'send' && operation.topic === 'a' && fails-- > 0)
          throw new MillraceError('KAFKA_ERROR', 'Not now.', { stage: 'sink', retryable: true })
      },
    }
    const { publisher, sends, advance, read } = await publishing({
      events: threeTopics,
      faults,
      batch: { size: 2, timeoutMs: 100 },
      retry: { maxRetries: 1, jitter: 0, initialDelayMs: 10 },
      circuitBreaker: { minimum: 2, window: 2, openMs: 10_000 },
    })
    void publisher.publish('a', { n: 0 })
    await advance(110)
    expect(publisher.getBatchStatus().circuits).toEqual({ a: 'open' })
    sends.length = 0
    const keyed = (['a', 'b', 'b', 'c'] as const).map((type, n) => publisher.publish(type, { key: 'k', n }))
    const free = publisher.publish('b', { key: 'free', n: 9 })
    await advance(100)
    await free
    expect(sends).toEqual([{ topic: 'b', records: 1 }])
    await advance(10_000)
    await Promise.all(keyed)
    expect((await read('b')).filter(({ payload }) => payload.key === 'k').map(({ payload }) => payload.n)).toEqual([1, 2])
    await publisher.close()
  })

  test('events of it that have waited too long are rejected, and those after them go as soon as it is free', async () => {
    let release: () => void = () => undefined
    const gate = new Promise<void>((resolve) => {
      release = () => resolve()
    })
    const faults = {
      before: (operation: MemoryOperation) => (operation.type === 'send' && operation.topic === 'a' ? gate : undefined),
    }
    const { publisher, advance, read } = await publishing({ events: threeTopics, faults, batch: { size: 1 }, deliveryTimeoutMs: 1_000 })
    void publisher.publish('a', { key: 'k', n: 0 })
    await settle()
    const late = publisher.publish('b', { key: 'k', n: 1 })
    await advance(600)
    const later = publisher.publish('b', { key: 'k', n: 2 })
    await advance(400)
    await expect(late).rejects.toMatchObject({ code: 'NOT_SENT', outcome: 'not-sent' })
    release()
    await later
    expect((await read('b')).map(({ payload }) => payload.n)).toEqual([2])
    await publisher.close()
  })

  test('memory and work stay as they are, however much else is published meanwhile', () => {
    const events = new Fifo<{ readonly rank: number; done: boolean }>(
      ({ done }) => !done,
      ({ rank }) => rank,
    )
    const stuck = upTo(10).map((rank) => ({ rank, done: false }))
    for (const one of stuck) events.push(one)
    for (const n of upTo(100_000)) {
      const one = { rank: 10 + n, done: false }
      events.push(one)
      one.done = true
    }
    expect(events.kept).toBeLessThan(200)
    expect(events.peek()).toBe(stuck[0])
  })
})

test('entries that come back take the place of their rank, once', () => {
  const is = upTo(6).map((rank) => ({ rank, there: rank !== 1 && rank !== 4 }))
  const fifo = new Fifo<{ readonly rank: number; there: boolean }>(
    ({ there }) => there,
    ({ rank }) => rank,
  )
  for (const one of is.slice(0, 5)) fifo.push(one)
  const [, second, , , fifth, sixth] = is as [object, (typeof is)[0], object, object, (typeof is)[0], (typeof is)[0]]
  second.there = true
  fifth.there = true
  fifo.insert([second, fifth])
  fifo.push(sixth)
  const ranks: (number | undefined)[] = []
  for (let one = fifo.shift(); one !== undefined; one = fifo.shift()) ranks.push(one.rank)
  expect(ranks).toEqual([0, 1, 2, 3, 4, 5])
  expect(fifo.kept).toBeLessThanOrEqual(6)
})

describe('room in the buffer', () => {
  const event = (topic: string, lane: string | undefined) => ({ id: '', type: topic, topic, lane, bytes: 1, arrivedAt: 0 })
  const buffer = () => new EventBuffer<BufferedEvent>({ maxEvents: 8, maxBytes: 1_000, whenFull: 'wait' }, 2)

  test('of a topic is not kept from it by one whose key waits for another topic', () => {
    const shared = buffer()
    const taken = upTo(6).map(() => event('a', undefined))
    for (const one of taken) expect(shared.enter(one)).toBe(true)
    const waits = event('a', 'k')
    const behind = event('b', 'k')
    expect(shared.enter(waits)).toBe(false)
    expect(shared.enter(behind)).toBe(false)
    expect(shared.enter(event('b', 'other'))).toBe(true)
    expect(shared.waitsFor((topic) => topic === 'b')).toBe(false)
    expect(shared.leave(taken[0] as BufferedEvent)).toEqual([waits, behind])
  })

  test('is had in the order of waiting by those who wait for it, also by one whose key was not free', () => {
    const shared = buffer()
    const a = upTo(4).map(() => event('a', undefined))
    const b = upTo(4).map(() => event('b', undefined))
    for (const one of [...a, ...b]) expect(shared.enter(one)).toBe(true)
    const [first, second, third] = [event('a', 'k'), event('b', 'k'), event('b', undefined)]
    for (const one of [first, second, third]) expect(shared.enter(one)).toBe(false)
    expect(shared.leave(a[0] as BufferedEvent)).toEqual([first])
    expect(shared.leave(b[0] as BufferedEvent)).toEqual([second])
    expect(shared.leave(b[1] as BufferedEvent)).toEqual([third])
    expect([shared.waiting, shared.waitingSince]).toEqual([0, Infinity])
  })
})
