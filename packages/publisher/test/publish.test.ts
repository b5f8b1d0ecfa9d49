import { createPublisher, event, PublishError } from '@millrace/publisher'
import { memory } from '@millrace/transport-memory'
import { describe, expect, test } from 'vitest'
import { laneOf, ownKey } from '../src/event-key.ts'
import { type Numbered, numbered, publishing, settle, threeTopics } from './support/publishing.ts'

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n)

describe('an event', () => {
  test('is told where it is once it is written', async () => {
    const { publisher, read, advance } = await publishing({ events: threeTopics })
    const published = publisher.publish('a', { key: 'k', n: 1 }, { id: 'one', headers: { trace: 't' } })
    await advance(500)
    const receipt = await published
    const [record] = await read('a')
    expect(receipt).toEqual({ id: 'one', topic: 'a', partition: record?.partition, offset: 0 })
    expect(record).toMatchObject({
      payload: { key: 'k', n: 1 },
      headers: { 'millrace-event-id': 'one', 'millrace-event-type': 'a', trace: 't' },
    })
    await publisher.close()
  })

  test('that nobody waits for is pending, and no longer after a forced flush', async () => {
    const { publisher, flushes } = await publishing({ events: threeTopics })
    void publisher.publish('a', { n: 1 })
    void publisher.publish('b', { n: 2 })
    expect(publisher.getBatchStatus()).toMatchObject({ pendingEvents: 2, inFlight: 0, batchSize: 50, degraded: false })
    await publisher.forceFlush()
    expect(publisher.getBatchStatus()).toMatchObject({ pendingEvents: 0, inFlight: 0, oldestAgeMs: 0, pendingBytes: 0 })
    await settle()
    expect(flushes()).toMatchObject([{ batchSize: 2, topics: 2, trigger: 'forced', durationMs: 0 }])
    await publisher.close()
  })

  test('that is no JSON, has a bad key, or is of no known type is refused before it is taken, and says so', async () => {
    const { publisher } = await publishing({ events: { a: event<unknown>({ topic: 'a', key: (payload) => payload as string }) } })
    await expect(publisher.publish('a', undefined)).rejects.toMatchObject({ code: 'NOT_SERIALIZABLE', outcome: 'not-sent', eventType: 'a' })
    await expect(publisher.publish('a', 17)).rejects.toThrow('its key is 17')
    for (const [options, named] of [
      [{ id: 17 }, 'its id is 17'],
      [{ timestamp: 'now' }, 'its timestamp is "now"'],
      [{ headers: { trace: 1 } }, "its header 'trace' is 1"],
      [{ priority: 'low' }, 'its priority is "low"'],
      [{ critical: 1 }, 'critical is 1'],
    ] as const)
      await expect(publisher.publish('a', 'x', options as never)).rejects.toThrow(named)
    await expect(publisher.publish('b' as 'a', 'x')).rejects.toMatchObject({ code: 'UNKNOWN_EVENT_TYPE' })
    expect(publisher.metrics().batch).toMatchObject({ rejected_total: 8, published_total: 0 })
    await publisher.close()
  })
})

describe('a flush', () => {
  test('groups by topic: 75 events for 3 topics are one flush, and one send', async () => {
    const { publisher, sends, operations, flushes, read } = await publishing({ events: threeTopics })
    const events = upTo(75).map((n) => ({ type: (['a', 'b', 'c'] as const)[n % 3] as 'a', payload: { key: `k${n % 10}`, n } }))
    const outcomes = await publisher.publishBatch(events)
    expect(outcomes.every(({ ok }) => ok)).toBe(true)
    await settle()
    expect(sends).toEqual([
      { topic: 'a', records: 25 },
      { topic: 'b', records: 25 },
      { topic: 'c', records: 25 },
    ])
    expect(operations).toEqual([['a', 'b', 'c']])
    expect(flushes()).toMatchObject([{ batchSize: 75, topics: 3, trigger: 'records' }])
    expect(await read('a')).toHaveLength(25)
    await publisher.close()
  })

  test.each([
    { why: 'records', batch: { size: 3 }, count: 3, ms: 0 },
    { why: 'age', batch: { size: 100, timeoutMs: 40 }, count: 2, ms: 40 },
    { why: 'bytes', batch: { size: 100, maxBytes: 300 }, count: 4, ms: 0 },
    { why: 'records', batch: { strategy: 'immediate' }, count: 1, ms: 0 },
  ] as const)('is made by $why, with $batch', async ({ why, batch, count, ms }) => {
    const { publisher, advance, flushes } = await publishing({ events: threeTopics, batch })
    for (const n of upTo(count)) void publisher.publish('a', { n })
    await advance(ms - 1)
    expect(flushes()).toHaveLength(ms > 0 ? 0 : 1)
    await advance(1)
    expect(flushes()[0]).toMatchObject({ trigger: why })
    await publisher.close()
  })

  test('never has more events than the largest size, however many wait', async () => {
    const { publisher, flushes } = await publishing({ events: threeTopics, batch: { size: 5, maxSize: 20 } })
    await publisher.publishBatch(upTo(90).map((n) => ({ type: 'a', payload: { n } })))
    await settle()
    expect(flushes().map(({ batchSize }) => batchSize)).toEqual([20, 20, 20, 20, 10])
    await publisher.close()
  })

  test('grows where the size adapts, up to the largest', async () => {
    const { publisher, flushes } = await publishing({ events: threeTopics, batch: { strategy: 'adaptive', minSize: 1, maxSize: 40 } })
    for (let round = 0; round < 30; round++) await publisher.publishBatch(upTo(40).map((n) => ({ type: 'a', payload: { n } })))
    expect(publisher.getBatchStatus().batchSize).toBeGreaterThan(1)
    expect(Math.max(...flushes().map(({ batchSize }) => batchSize as number))).toBeLessThanOrEqual(40)
    await publisher.close()
  })

  test('of a type with a policy of its own takes that type alone, and what comes before it in its key', async () => {
    const events = { a: numbered('a'), now: numbered('b', { batch: { strategy: 'immediate' } }) }
    const { publisher, flushes, read } = await publishing({ events })
    void publisher.publish('a', { key: 'other', n: 0 })
    void publisher.publish('a', { key: 'k', n: 1 })
    await publisher.publish('now', { key: 'k', n: 2 })
    expect((await read('a')).map(({ payload }) => payload.n)).toEqual([1])
    expect(publisher.getBatchStatus().pendingEvents).toBe(1)
    expect(flushes()).toMatchObject([{ batchSize: 2, topics: 2 }])
    await publisher.close()
  })

  test('of a topic with a policy of its own takes all its types but those with their own, and no other topic', async () => {
    const events = {
      made: numbered('orders'),
      paid: numbered('orders'),
      alone: numbered('orders', { batch: { size: 2 } }),
      seen: numbered('views'),
    }
    const topics = { orders: { batch: { size: 4, timeoutMs: 40 } } }
    const { publisher, flushes, read, advance } = await publishing({ events, topics, batch: { size: 9, timeoutMs: 90 } })
    void publisher.publish('alone', { n: 1 })
    for (const n of [2, 3]) for (const type of ['made', 'seen'] as const) void publisher.publish(type, { n })
    await settle()
    expect(flushes()).toEqual([])
    // Two types of one topic count together.
    for (const n of [4, 5]) void publisher.publish('paid', { n })
    await settle()
    expect(flushes()).toMatchObject([{ batchSize: 4, topics: 1, trigger: 'records' }])
    expect((await read('orders')).map(({ payload }) => payload.n).toSorted((a, b) => a - b)).toEqual([2, 3, 4, 5])
    void publisher.publish('made', { n: 6 })
    await advance(40)
    expect(flushes().slice(1)).toMatchObject([{ batchSize: 1, topics: 1, trigger: 'age' }])
    void publisher.publish('alone', { n: 7 })
    await settle()
    expect(flushes().slice(2)).toMatchObject([{ batchSize: 2, topics: 1, trigger: 'records' }])
    expect(publisher.getBatchStatus()).toMatchObject({ pendingEvents: 2, batchSize: 9, batchTimeoutMs: 90 })
    await advance(50)
    expect(flushes().slice(3)).toMatchObject([{ batchSize: 2, topics: 1, trigger: 'age' }])
    await publisher.close()
  })
})

describe('priorities', () => {
  test('let high events overtake waiting ones, but none of their key, on whatever topic that is', async () => {
    const { publisher, sends, read, advance } = await publishing({
      events: threeTopics,
      batch: { strategy: 'time', timeoutMs: 10, maxSize: 2 },
    })
    void publisher.publish('a', { key: 'x', n: 0 })
    void publisher.publish('a', { key: 'k', n: 1 })
    void publisher.publish('b', { key: 'k', n: 2 }, { priority: 'high' })
    void publisher.publish('c', { key: 'free', n: 3 }, { priority: 'high' })
    await advance(10)
    // The first flush: k's first event, which nothing of k may overtake, then the high one.
    expect(sends.slice(0, 2)).toEqual([
      { topic: 'a', records: 1 },
      { topic: 'b', records: 1 },
    ])
    await publisher.forceFlush()
    expect((await read('a')).map(({ payload }) => payload.n).toSorted((a, b) => a - b)).toEqual([0, 1])
    expect(sends.slice(2).map(({ topic }) => topic)).toEqual(['c', 'a'])
    await publisher.close()
  })

  test('send critical events at once, after what waits for their key, and leave the rest', async () => {
    const { publisher, flushes, read } = await publishing({ events: threeTopics })
    void publisher.publish('a', { key: 'k', n: 1 })
    void publisher.publish('a', { key: 'other', n: 2 })
    await publisher.publish('a', { key: 'k', n: 3 }, { critical: true })
    expect((await read('a')).map(({ payload }) => payload.n)).toEqual([1, 3])
    expect(flushes()).toMatchObject([{ trigger: 'critical', batchSize: 2 }])
    expect(publisher.getBatchStatus().pendingEvents).toBe(1)
    await publisher.close()
  })
})

test('metrics are JSON under batch', async () => {
  const { publisher, advance } = await publishing({ events: threeTopics })
  const read = () => JSON.parse(JSON.stringify(publisher.metrics())) as { batch: Record<string, number> }
  expect(read().batch['has_scheduled_flush']).toBe(0)
  void publisher.publish('a', { n: 1 })
  await settle()
  expect(read().batch).toMatchObject({
    pending_batch_messages: 1,
    batch_size_configured: 50,
    batch_timeout_ms: 500,
    max_batch_size: 200,
    has_scheduled_flush: 1,
    published_total: 1,
    flushes_total: 0,
  })
  await advance(500)
  expect(read().batch).toMatchObject({
    pending_batch_messages: 0,
    has_scheduled_flush: 0,
    delivered_total: 1,
    flushed_messages_total: 1,
    buffered_bytes: 0,
  })
  await publisher.close()
})

test.each([
  [{ strategy: 'size' }, null],
  [{ strategy: 'bytes' }, null],
  [{ strategy: 'immediate' }, null],
  [{ strategy: 'size', timeoutMs: 70 }, 70],
  [{ strategy: 'time' }, 500],
  [{ strategy: 'adaptive' }, 500],
  [{ timeoutMs: 0 }, 0],
] as const)('the time of batches is told where they are cut by it: of %o it is %s', async (batch, expected) => {
  const { publisher } = await publishing({ events: threeTopics, batch })
  expect(publisher.getBatchStatus().batchTimeoutMs).toBe(expected)
  const told = JSON.parse(JSON.stringify(publisher.metrics())) as { batch: { batch_timeout_ms: unknown } }
  expect(told.batch.batch_timeout_ms).toBe(expected)
  await publisher.close()
})

test('a flush is scheduled where one comes by itself, not where events wait for more of them', async () => {
  const { publisher } = await publishing({ events: threeTopics, batch: { strategy: 'size', size: 3 } })
  void publisher.publish('a', { n: 1 })
  await settle()
  expect(publisher.metrics().batch).toMatchObject({ pending_batch_messages: 1, has_scheduled_flush: 0 })
  await publisher.close()
})

test('a logger that throws stops nothing', async () => {
  const log = () => {
    throw new Error('no log')
  }
  const logger = { debug: log, info: log, warn: log, error: log }
  const { publisher } = await publishing({ events: threeTopics, missing: 'a', logger, batch: { size: 2 } })
  const outcomes = await publisher.publishBatch([
    { type: 'a', payload: { n: 1 } },
    { type: 'b', payload: { n: 2 } },
  ])
  expect(outcomes).toMatchObject([{ ok: false, error: { code: 'UNKNOWN_TOPIC' } }, { ok: true }])
  await expect(publisher.publish('c', 1n as never)).rejects.toMatchObject({ code: 'NOT_SERIALIZABLE' })
  expect(await publisher.close()).toEqual({ unsent: [] })
})

test('options that are wrong are all named at once', () => {
  const wrong = {
    transport: memory(),
    events: { a: { topic: 't', compression: 'gzip' }, b: { topic: 't', key: 'id', priority: 'low' } },
    batch: { size: 0 },
    buffer: { maxEvents: 0, whenFull: 'drop' },
    retry: { maxRetries: -1, factor: 0 },
    environment: { KAFKA_BATCH_TIMEOUT_MS: 'soon' },
    batchSize: 3,
  } as never
  const lines = (() => {
    try {
      createPublisher(wrong)
      return ''
    } catch (error) {
      return (error as Error).message
    }
  })()
  for (const named of [
    'batchSize is no option',
    'batch.size is 0',
    'buffer.maxEvents is 0',
    'buffer.whenFull is "drop"',
    'retry.maxRetries is -1',
    'retry.factor is 0',
    "events['b'].key is",
    'events[\'b\'].priority is "low"',
    "on the same topic 't'",
    'KAFKA_BATCH_TIMEOUT_MS is "soon"',
  ])
    expect(lines).toContain(named)
})

test('no type may have larger flushes than the maximum of all: its size, its maximum and its preset are refused above that', () => {
  const create = (batch: object, common?: object) => () =>
    createPublisher({ transport: memory(), events: { a: numbered('a', { batch }) }, environment: {}, ...common })
  expect(create({ size: 300 })).toThrow("events['a'].batch.size is 300 and the maximum of a flush is 200")
  expect(create({ size: 180, maxSize: 150 })).toThrow("events['a'].batch.size is 180 and events['a'].batch.maxSize is 150")
  expect(create({ size: 10, maxSize: 300 })).toThrow("events['a'].batch.maxSize is 300 and the maximum of a flush is 200")
  expect(create({ preset: 'balanced' })).toThrow("the size of events['a'].batch.preset 'balanced' is 250 and the maximum of a flush is 200")
  expect(create({ preset: 'balanced', strategy: 'time' })).not.toThrow()
  expect(create({ size: 300, maxSize: 300 }, { batch: { maxSize: 300 } })).not.toThrow()
  expect(create({ size: 300, maxSize: 300 }, { environment: { KAFKA_MAX_BATCH_SIZE: '299' } })).toThrow('the maximum of a flush is 299')
})

test('what is wrong with a policy of a topic is told', () => {
  const create = (topics: object) => () =>
    createPublisher({ transport: memory(), events: { a: numbered('a') }, environment: {}, topics: topics as never })
  expect(create(5 as never)).toThrow('topics is 5')
  expect(create({ b: { batch: { size: 1 } } })).toThrow("topics['b'] is no topic of events")
  expect(create({ a: 5 })).toThrow("topics['a'] is 5")
  expect(create({ a: { size: 5 } })).toThrow("topics['a'].size is no option")
  expect(create({ a: { batch: 5 } })).toThrow("topics['a'].batch is 5")
  expect(create({ a: { batch: { size: 0 } } })).toThrow("topics['a'].batch.size is 0")
  expect(create({ a: { batch: { size: 300 } } })).toThrow("topics['a'].batch.size is 300 and the maximum of a flush is 200")
  expect(create({ a: {} })).not.toThrow()
})

test('what a serializer returns is copied: it may use its buffer for the next event', async () => {
  const bytes = Buffer.alloc(7)
  const serialize = ({ n }: Numbered) => {
    bytes.write(`{"n":${n}}`)
    return bytes
  }
  const { publisher, read } = await publishing({ events: { a: numbered('a', { serialize }) } })
  for (const n of [1, 2, 3]) void publisher.publish('a', { key: 'k', n })
  await publisher.forceFlush()
  expect((await read('a')).map(({ payload }) => payload.n)).toEqual([1, 2, 3])
  await publisher.close()
})

test('a key is copied: whose bytes it was may use them again', () => {
  const bytes = Buffer.from('key')
  const copy = ownKey(bytes)
  bytes.fill(0)
  expect(Buffer.from(copy as Uint8Array).toString()).toBe('key')
})

test('keys of the same bytes have one order, whether they come as text or as bytes', () => {
  for (const text of ['', 'key', 'Schlüssel', 'ключ', '\u{1f511}', 'k\ud800'])
    expect(laneOf(text, Buffer.byteLength(text))).toBe(laneOf(Buffer.from(text), Buffer.byteLength(text)))
})

test('errors are told by code and outcome', () => {
  expect(new PublishError('X', 'text', { outcome: 'unknown', eventId: 'i' })).toMatchObject({
    code: 'X',
    outcome: 'unknown',
    eventId: 'i',
    kept: false,
    overtaken: false,
  })
})

test('the compiler knows types and payloads', async () => {
  const { publisher } = await publishing({
    events: { a: event<{ readonly total: number }>({ topic: 'a' }), b: event<string>({ topic: 'b' }) },
  })
  // @ts-expect-error -- no such type
  await expect(publisher.publish('c', 'x')).rejects.toMatchObject({ code: 'UNKNOWN_EVENT_TYPE' })
  // @ts-expect-error -- a text is no number
  void publisher.publish('a', { total: '1' })
  // @ts-expect-error -- the payload of another type
  void publisher.publishBatch([{ type: 'a', payload: 'text' }])
  void publisher.publish('b', 'text')
  await publisher.close()
})
