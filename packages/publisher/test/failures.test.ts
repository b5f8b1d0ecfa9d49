import { MillraceError } from '@millrace/core'
import type { MemoryOperation } from '@millrace/transport-memory'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { failing } from './support/failing.ts'
import { type Numbered, publishing, settle, threeTopics } from './support/publishing.ts'

const timedOut = () => new MillraceError('TIMED_OUT', 'Nobody answered.', { stage: 'sink', retryable: true })
const notLeader = () => new MillraceError('KAFKA_ERROR', 'Not the leader.', { stage: 'sink', retryable: true })
const small = { 'max.message.bytes': '100' }
const large = 'x'.repeat(200)

describe('a batch that fails', () => {
  test('is sent again after a wait, and nothing of its topic or keys overtakes it', async () => {
    const { publisher, advance, read, sends } = await publishing({
      events: threeTopics,
      faults: failing('a', 2, notLeader),
      batch: { size: 2 },
    })
    const first = publisher.publishBatch([1, 2].map((n) => ({ type: 'a', payload: { key: 'k', n } })))
    await settle()
    const later = publisher.publishBatch([
      { type: 'a', payload: { key: 'k', n: 3 } },
      { type: 'a', payload: { key: 'other', n: 4 } },
      { type: 'b', payload: { key: 'k', n: 5 } },
      { type: 'b', payload: { key: 'third', n: 6 } },
      { type: 'b', payload: { key: 'fourth', n: 7 } },
    ])
    await settle()
    // Of the other topic, only what is not of the key that waits.
    expect(sends).toEqual([
      { topic: 'a', records: 2 },
      { topic: 'b', records: 2 },
    ])
    await advance(300)
    void publisher.forceFlush()
    await advance(0)
    expect([...(await first), ...(await later)].every(({ ok }) => ok)).toBe(true)
    expect((await read('a')).filter(({ payload }) => payload.key === 'k').map(({ payload }) => payload.n)).toEqual([1, 2, 3])
    expect(publisher.metrics().batch).toMatchObject({ retries_total: 2, failed_total: 0 })
    await publisher.close()
  })

  test('for want of a writer is tried for as long as events may wait, and not for a number of times', async () => {
    let openings = 0
    const faults = {
      before(operation: MemoryOperation) {
        if (operation.type === 'open-writer' && ++openings < 6) throw notLeader()
      },
    }
    const { publisher, advance, read } = await publishing({ events: threeTopics, faults, retry: { maxRetries: 1 }, circuitBreaker: false })
    const published = publisher.publish('a', { n: 1 })
    for (let i = 0; i < 60; i++) await advance(1_000)
    expect(await published).toMatchObject({ topic: 'a' })
    expect(await read('a')).toHaveLength(1)
    await publisher.close()
  })

  test('for want of a writer for longer than that is told as not sent', async () => {
    const faults = {
      before(operation: MemoryOperation) {
        if (operation.type === 'open-writer') throw notLeader()
      },
    }
    const { publisher, advance } = await publishing({ events: threeTopics, faults, deliveryTimeoutMs: 10_000, circuitBreaker: false })
    const published = publisher.publish('a', { n: 1 })
    let isDone = false
    void published.catch(() => (isDone = true))
    for (let i = 0; i < 9; i++) await advance(1_000)
    expect(isDone).toBe(false)
    for (let i = 0; i < 30; i++) await advance(1_000)
    await expect(published).rejects.toMatchObject({ outcome: 'not-sent', retryable: true })
    await publisher.close()
  })

  test('for good rejects each event by itself, and says that it was refused', async () => {
    const { publisher, advance } = await publishing({
      events: threeTopics,
      faults: failing('a', 99, notLeader),
      retry: { maxRetries: 1, jitter: 0 },
    })
    const published = publisher.publishBatch([
      { type: 'a', payload: { n: 1 } },
      { type: 'b', payload: { n: 2 } },
    ])
    void publisher.forceFlush()
    await advance(1_000)
    const [failed, good] = await published
    expect(failed).toMatchObject({ ok: false, error: { code: 'KAFKA_ERROR', outcome: 'refused', retryable: true, overtaken: false } })
    expect(good).toMatchObject({ ok: true })
    await publisher.close()
  })

  test('and of which nobody knows the fate is no plain failure: the error says so', async () => {
    const faults = failing('a', 99, timedOut, 'after')
    const { publisher, advance } = await publishing({ events: threeTopics, faults, retry: { maxRetries: 0 } })
    const published = publisher.publish('a', { n: 1 }, { id: 'one' })
    void publisher.forceFlush()
    await advance(0)
    await expect(published).rejects.toMatchObject({ code: 'DELIVERY_UNKNOWN', outcome: 'unknown', retryable: false, eventId: 'one' })
    await expect(published).rejects.toThrow('may be there twice')
    await publisher.close()
  })
})

describe('a record that is refused', () => {
  test('fails alone: the others of its batch are written, once', async () => {
    const { publisher, read } = await publishing({ events: threeTopics, topicConfig: small, batch: { size: 3 } })
    const outcomes = await publisher.publishBatch([
      { type: 'a', payload: { key: 'k', n: 1 } },
      { type: 'a', payload: { key: 'k', n: 2, pad: large } },
      { type: 'a', payload: { key: 'k', n: 3 } },
    ])
    expect(outcomes.map(({ ok }) => ok)).toEqual([true, false, true])
    expect(outcomes[1]).toMatchObject({ error: { code: 'RECORD_TOO_LARGE', outcome: 'refused' } })
    expect((await read('a')).map(({ payload }) => payload.n)).toEqual([1, 3])
    await publisher.close()
  })

  test('together with its whole batch is found by taking that apart', async () => {
    const faults = {
      before(operation: MemoryOperation) {
        if (operation.type === 'deliver' && operation.records > 1)
          throw new MillraceError('RECORD_TOO_LARGE', 'too large', { stage: 'sink' })
      },
    }
    const { publisher, read } = await publishing({ events: threeTopics, topicConfig: small, faults, batch: { size: 7 } })
    const payloads: Numbered[] = [1, 2, 3, 4, 5, 6, 7].map((n) => ({ key: 'k', n, ...(n === 4 && { pad: large }) }))
    const outcomes = await publisher.publishBatch(payloads.map((payload) => ({ type: 'a', payload })))
    expect(outcomes.map(({ ok }) => ok)).toEqual([true, true, true, false, true, true, true])
    expect((await read('a')).map(({ payload }) => payload.n)).toEqual([1, 2, 3, 5, 6, 7])
    await settle()
    expect(publisher.metrics().batch['batches_taken_apart_total']).toBe(1)
    await publisher.close()
  })

  test('and was overtaken by one of its key is not sent again, and says so', async () => {
    // Both partitions' records are one send; only the first record of the key is lost.
    let lose = true
    const faults = {
      before(operation: MemoryOperation) {
        if (operation.type !== 'deliver' || operation.partition !== 0 || !lose) return
        lose = false
        throw notLeader()
      },
    }
    const events = { a: { ...threeTopics.a } }
    const { publisher, advance, transport } = await publishing({ events, faults })
    // Of one key, but to be found in two partitions: what a change of the number of partitions does.
    const original = transport.openWriter.bind(transport)
    transport.openWriter = async (...args) => {
      const writer = await original(...args)
      const { send } = writer as Required<typeof writer>
      return Object.assign(writer, {
        send: (batches: Parameters<typeof send>[0]) =>
          send.call(
            writer,
            batches.map((batch) => ({ ...batch, partitions: Array.from({ length: batch.length }, (_, i) => i % 2) })),
          ),
      })
    }
    const published = publisher.publishBatch([1, 2].map((n) => ({ type: 'a', payload: { key: 'k', n } })))
    void publisher.forceFlush()
    await advance(500)
    expect(await published).toMatchObject([{ ok: false, error: { overtaken: true, outcome: 'refused', retryable: false } }, { ok: true }])
    await publisher.close()
  })
})

describe('a topic that fails', () => {
  test('opens its own circuit, and no other topic waits for it', async () => {
    const { publisher, closeNow, advance } = await publishing({
      events: threeTopics,
      faults: failing('a', 99, notLeader),
      batch: { strategy: 'immediate' },
      circuitBreaker: { minimum: 2, window: 2, openMs: 10_000 },
      retry: { maxRetries: 1, jitter: 0, initialDelayMs: 10 },
    })
    void publisher.publish('a', { n: 1 })
    await advance(10)
    expect(publisher.getBatchStatus().circuits).toEqual({ a: 'open' })
    void publisher.publish('a', { n: 2 })
    await publisher.publish('b', { n: 3 })
    expect(publisher.getBatchStatus()).toMatchObject({ pendingEvents: 1, circuits: { a: 'open' } })
    await closeNow()
  })

  test('that does not exist fails its events at once, and no others of the flush', async () => {
    const { publisher } = await publishing({ events: threeTopics, missing: 'a', batch: { size: 3 } })
    const outcomes = await publisher.publishBatch(['a', 'a', 'b'].map((type, n) => ({ type: type as 'a', payload: { n } })))
    const unknown = { ok: false, error: { code: 'UNKNOWN_TOPIC', outcome: 'refused', topic: 'a' } }
    expect(outcomes).toMatchObject([unknown, unknown, { ok: true }])
    await publisher.close()
  })

  test('gets single events while its batches keep failing, and batches again once those are written', async () => {
    let broken = true
    const faults = {
      before(operation: MemoryOperation) {
        if (broken && operation.type === 'send' && operation.records > 1) throw notLeader()
      },
    }
    const { publisher, advance, sends } = await publishing({
      events: threeTopics,
      faults,
      batch: { size: 3 },
      retry: { maxRetries: 0 },
      circuitBreaker: false,
      degrade: { afterBatches: 2, recoverAfter: 3 },
    })
    const batch = () => publisher.publishBatch([1, 2, 3].map((n) => ({ type: 'a', payload: { n } })))
    for (let i = 0; i < 2; i++) expect((await batch()).every(({ ok }) => ok)).toBe(false)
    await settle()
    expect(publisher.getBatchStatus()).toMatchObject({ degraded: true, degradedTopics: ['a'] })
    broken = false
    sends.length = 0
    const single = batch()
    await advance(2_000)
    expect((await single).every(({ ok }) => ok)).toBe(true)
    expect(sends.map(({ records }) => records)).toEqual([1, 1, 1])
    await settle()
    expect(publisher.getBatchStatus().degraded).toBe(false)
    sends.length = 0
    await batch()
    expect(sends).toEqual([{ topic: 'a', records: 3 }])
    await publisher.close()
  })
})

describe('a full buffer', () => {
  const stuck = { before: (operation: MemoryOperation) => (operation.type === 'send' ? new Promise<void>(() => undefined) : undefined) }

  test('makes publish wait, in order, until there is room', async () => {
    let release: () => void = () => undefined
    const gate = new Promise<void>((resolve) => {
      release = () => resolve()
    })
    const faults = { before: (operation: MemoryOperation) => (operation.type === 'send' ? gate : undefined) }
    const { publisher, read } = await publishing({ events: threeTopics, faults, buffer: { maxEvents: 2 }, batch: { size: 2 } })
    const published = [1, 2, 3, 4].map((n) => publisher.publish('a', { key: 'k', n }))
    await settle()
    expect(publisher.getBatchStatus()).toMatchObject({ inFlight: 2, waitingForRoom: 2, pendingEvents: 0 })
    release()
    await Promise.all(published)
    expect((await read('a')).map(({ payload }) => payload.n)).toEqual([1, 2, 3, 4])
    await publisher.close()
  })

  test('counts what is on its way, and is bounded however much is published', async () => {
    const { publisher, closeNow } = await publishing({
      events: threeTopics,
      faults: stuck,
      buffer: { maxEvents: 10, maxBytes: 2_000 },
      batch: { size: 5 },
    })
    const published = Array.from({ length: 1_000 }, (_, n) => publisher.publish('a', { n, pad: 'x'.repeat(100) }))
    const settled = Promise.allSettled(published)
    await settle()
    const { inFlight, pendingEvents, waitingForRoom } = publisher.getBatchStatus()
    expect(inFlight).toBeGreaterThan(0)
    expect(publisher.metrics().batch.buffered_bytes).toBeLessThanOrEqual(2_000)
    expect(inFlight + pendingEvents + waitingForRoom).toBeLessThanOrEqual(20)
    await closeNow()
    const codes = (await settled).map((one) => (one.status === 'rejected' ? (one.reason as { code: string }).code : 'written'))
    expect(new Set(codes)).toEqual(new Set(['BUFFER_FULL', 'NOT_SENT', 'DELIVERY_UNKNOWN']))
  })

  test('rejects at once where that is asked for', async () => {
    const { publisher, closeNow } = await publishing({ events: threeTopics, faults: stuck, buffer: { maxEvents: 1, whenFull: 'reject' } })
    const first = publisher.publish('a', { n: 1 })
    await expect(publisher.publish('a', { n: 2 })).rejects.toMatchObject({ code: 'BUFFER_FULL', outcome: 'not-sent', retryable: true })
    await closeNow()
    await expect(first).rejects.toMatchObject({ outcome: 'unknown' })
  })

  test('does not keep events for ever: after the delivery timeout they are rejected, never sent', async () => {
    const { publisher, closeNow, advance } = await publishing({
      events: threeTopics,
      faults: stuck,
      batch: { size: 1 },
      deliveryTimeoutMs: 1_000,
    })
    void publisher.publish('a', { key: 'k', n: 1 })
    await settle()
    const late = publisher.publish('a', { key: 'k', n: 2 })
    await advance(1_000)
    await expect(late).rejects.toMatchObject({ code: 'NOT_SENT', outcome: 'not-sent' })
    await closeNow()
  })
})

test('order per key holds whatever fails, is retried, or is taken apart, over priorities and topics; nothing is lost or written twice', async () => {
  const step = fc.record({
    topic: fc.constantFrom('a', 'b', 'c'),
    key: fc.constantFrom('k1', 'k2', 'k3'),
    high: fc.boolean(),
    critical: fc.boolean(),
    flush: fc.boolean(),
  })
  const fault = fc.constantFrom('none', 'none', 'retryable', 'too large')
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), fc.array(fault, { maxLength: 20 }), async (steps, faults) => {
      const left = [...faults]
      const written: string[] = []
      const before = (operation: MemoryOperation) => {
        if (operation.type !== 'send') return
        const next = left.shift()
        if (next === 'retryable') throw notLeader()
        if (next === 'too large' && operation.records > 1) throw new MillraceError('RECORD_TOO_LARGE', 'too large', { stage: 'sink' })
      }
      const { publisher, advance, read } = await publishing({
        events: threeTopics,
        faults: { before },
        batch: { size: 4, maxSize: 6 },
        retry: { maxRetries: 30, jitter: 0, initialDelayMs: 1 },
        circuitBreaker: false,
      })
      const published = steps.map(async ({ topic, key, high, critical, flush }, n) => {
        const receipt = publisher.publish(topic as 'a', { key, n }, { priority: high ? 'high' : 'normal', critical })
        if (flush) void publisher.forceFlush()
        await receipt
        written.push(`${key} ${n}`)
      })
      const all = Promise.all(published)
      void publisher.forceFlush()
      await advance(60_000)
      await all
      for (const topic of ['a', 'b', 'c']) {
        const records = await read(topic)
        for (const key of ['k1', 'k2', 'k3']) {
          const numbers = records.filter(({ payload }) => payload.key === key).map(({ payload }) => payload.n)
          expect(numbers).toEqual(steps.flatMap((one, n) => (one.topic === topic && one.key === key ? [n] : [])))
        }
      }
      expect(written).toHaveLength(steps.length)
      await publisher.close()
    }),
    { numRuns: 60 },
  )
})
