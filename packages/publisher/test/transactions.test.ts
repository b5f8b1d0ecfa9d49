import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MillraceError } from '@millrace/core'
import { createPublisher, event } from '@millrace/publisher'
import { openLevelDb } from '@millrace/store-leveldb'
import { memory, type MemoryOperation } from '@millrace/transport-memory'
import { describe, expect, test } from 'vitest'
import { numbered, publishing, settle, threeTopics } from './support/publishing.ts'

const options = { events: threeTopics, transactionalId: 'publisher-1' }
const both = [
  { type: 'a' as const, payload: { key: 'k', n: 2 } },
  { type: 'b' as const, payload: { key: 'k', n: 3 } },
]

describe('a transaction', () => {
  test('goes at once, after what waits for its keys, and what comes later in them goes after it', async () => {
    const order: string[] = []
    const faults = {
      before(operation: MemoryOperation) {
        if (operation.type === 'send') order.push(`${operation.clientId} ${operation.topic}`)
      },
    }
    const { publisher, read, advance } = await publishing({ ...options, faults })
    void publisher.publish('a', { key: 'k', n: 1 })
    const transaction = publisher.publishTransaction(both)
    void publisher.publish('a', { key: 'k', n: 4 })
    const receipts = await transaction
    expect(receipts.map(({ topic }) => topic)).toEqual(['a', 'b'])
    expect(order).toEqual(['publisher a', 'publisher-transactions a', 'publisher-transactions b'])
    await publisher.forceFlush()
    await advance(0)
    const records = await read('a')
    expect(records.map(({ payload }) => payload.n)).toEqual([1, 2, 4])
    expect(receipts[0]).toMatchObject({ partition: records[1]?.partition, offset: records[1]?.offset })
    await publisher.close()
  })

  test('of more events than a flush may have goes in several flushes, and is all or nothing still', async () => {
    const config = { 'max.message.bytes': '200' }
    const { publisher, sends, flushes, read } = await publishing({ ...options, batch: { size: 2, maxSize: 3 }, topicConfig: config })
    const of = (count: number, pad: string) =>
      Array.from({ length: count }, (_, n) => ({ type: n % 2 === 0 ? ('a' as const) : ('b' as const), payload: { key: 'k', n, pad } }))
    const receipts = await publisher.publishTransaction(of(7, ''))
    expect(receipts.map(({ topic }) => topic)).toEqual(['a', 'b', 'a', 'b', 'a', 'b', 'a'])
    const perFlush = [2, 1, 2, 1, 1]
    expect(sends.map(({ records }) => records)).toEqual(perFlush)
    expect(flushes().map(({ batchSize, trigger }) => [batchSize, trigger])).toEqual([3, 3, 1].map((size) => [size, 'transaction']))
    expect(publisher.metrics().batch).toMatchObject({ flushes_total: 3, flushed_messages_total: 7, max_batch_size: 3 })
    const refused = [...of(6, ''), { type: 'b' as const, payload: { key: 'k', n: 6, pad: 'x'.repeat(300) } }]
    await expect(publisher.publishTransaction(refused)).rejects.toMatchObject({ code: 'TRANSACTION_FAILED', outcome: 'refused' })
    expect((await read('a')).map(({ payload }) => payload.n)).toEqual([0, 2, 4, 6])
    expect((await read('b')).map(({ payload }) => payload.n)).toEqual([1, 3, 5])
    await publisher.close()
  })

  test('begins when what was before it in its keys has expired', async () => {
    const faults = {
      before(operation: MemoryOperation) {
        if (operation.type === 'send' && operation.topic === 'b')
          throw new MillraceError('KAFKA_ERROR', 'No.', { stage: 'sink', retryable: true })
      },
    }
    const circuitBreaker = { minimum: 1, window: 1, openMs: 60_000 }
    const { publisher, advance, closeNow } = await publishing({ ...options, faults, circuitBreaker, deliveryTimeoutMs: 1_000 })
    void publisher.publish('b', { key: 'other', n: 0 })
    void publisher.forceFlush()
    await settle()
    void publisher.publish('b', { key: 'k', n: 1 })
    await advance(600)
    const transaction = publisher.publishTransaction([{ type: 'a', payload: { key: 'k', n: 2 } }])
    let isDone = false
    void transaction.then(() => (isDone = true))
    await advance(300)
    expect(isDone).toBe(false)
    await advance(100)
    expect(isDone).toBe(true)
    await closeNow()
  })

  test('that waits for its key, or to be tried again, holds up no other', async () => {
    let fails = 1
    const faults = {
      before(operation: MemoryOperation) {
        if (operation.type === 'send' && operation.topic === 'c') return new Promise<void>(() => undefined)
        if (operation.type === 'begin' && fails-- > 0)
          throw new MillraceError('KAFKA_ERROR', 'Not now.', { stage: 'commit', retryable: true })
        return undefined
      },
    }
    const { publisher, closeNow, advance, read } = await publishing({ ...options, faults })
    void publisher.publish('c', { key: 'stuck', n: 0 })
    void publisher.forceFlush()
    await settle()
    const behind = publisher.publishTransaction([{ type: 'a', payload: { key: 'stuck', n: 1 } }])
    const retried = publisher.publishTransaction([{ type: 'a', payload: { key: 'tried again', n: 2 } }])
    await settle()
    await publisher.publishTransaction([{ type: 'a', payload: { key: 'free', n: 3 } }])
    expect((await read('a')).map(({ payload }) => payload.n)).toEqual([3])
    await advance(100)
    await retried
    expect(await read('a')).toHaveLength(2)
    await closeNow()
    await expect(behind).rejects.toMatchObject({ outcome: 'not-sent' })
  })

  test('that nobody waits for is logged when it is not taken or fails, and ends nobody', async () => {
    const faults = {
      before(operation: MemoryOperation) {
        if (operation.type === 'begin') throw new MillraceError('KAFKA_ERROR', 'No.', { stage: 'commit' })
      },
    }
    const { publisher, closeNow, lines, advance } = await publishing({ ...options, faults })
    void publisher.publishTransaction([{ type: 'nothing' as 'a', payload: { n: 0 } }])
    void publisher.publishTransaction(both)
    await advance(0)
    expect(publisher.metrics().batch).toMatchObject({ rejected_total: 1, failed_total: 2 })
    expect(lines.filter(({ message }) => message.startsWith('an event was not '))).toMatchObject([
      { about: { err: { code: 'UNKNOWN_EVENT_TYPE' } } },
      { about: { err: { code: 'TRANSACTION_FAILED' } } },
      { about: { err: { code: 'TRANSACTION_FAILED' } } },
    ])
    await closeNow()
  })

  test('is all or nothing: one record that is refused leaves nothing visible, and the key goes on', async () => {
    let openings = 0
    const faults = {
      before(operation: MemoryOperation) {
        if (operation.type === 'open-writer' && operation.transactionalId !== undefined) openings++
      },
    }
    const { publisher, read } = await publishing({ ...options, faults, topicConfig: { 'max.message.bytes': '100' } })
    const transaction = publisher.publishTransaction([...both, { type: 'a', payload: { key: 'k', n: 4, pad: 'x'.repeat(200) } }])
    await expect(transaction).rejects.toMatchObject({ code: 'TRANSACTION_FAILED', outcome: 'refused' })
    const later = publisher.publish('a', { key: 'k', n: 5 })
    await publisher.forceFlush()
    await later
    expect((await read('a')).map(({ payload }) => payload.n)).toEqual([5])
    expect(await read('b')).toEqual([])
    for (const count of [1, 2]) {
      await publisher.publishTransaction(both)
      expect(await read('b')).toHaveLength(count)
    }
    // One that had a record refused is not used again.
    expect(openings).toBe(2)
    await publisher.close()
  })

  test('is tried again where that may help, and its fate is unknown when the answer to its commit is lost', async () => {
    const failures = ['begin', 'commit-transaction']
    const faults = {
      before(operation: MemoryOperation) {
        if (operation.type === 'begin' && failures[0] === 'begin') {
          failures.shift()
          throw new MillraceError('KAFKA_ERROR', 'Not the coordinator.', { stage: 'commit', retryable: true })
        }
      },
      after(operation: MemoryOperation) {
        if (operation.type !== 'commit-transaction' || failures.length > 1) return
        if (failures.shift() !== undefined) throw new MillraceError('TIMED_OUT', 'Nobody answered.', { stage: 'commit', retryable: true })
      },
    }
    const { publisher, read, advance } = await publishing({ ...options, faults })
    const first = publisher.publishTransaction(both)
    const settled = Promise.allSettled([first])
    await advance(200)
    expect(await settled).toMatchObject([
      { status: 'rejected', reason: { code: 'TRANSACTION_FAILED', outcome: 'unknown', retryable: false } },
    ])
    expect(await read('a')).toHaveLength(1)
    expect((await publisher.publishTransaction(both)).length).toBe(2)
    await publisher.close()
  })

  test('of a publisher whose id another has taken is refused, and does not take the id back', async () => {
    const { publisher, transport } = await publishing(options)
    await publisher.publishTransaction(both)
    const other = createPublisher({ transport, events: threeTopics, environment: {}, transactionalId: 'publisher-1' })
    await other.publishTransaction(both)
    const fenced = { code: 'TRANSACTION_FAILED', outcome: 'refused', cause: { code: 'PRODUCER_FENCED' } }
    await expect(publisher.publishTransaction(both)).rejects.toMatchObject(fenced)
    await expect(publisher.publishTransaction(both)).rejects.toThrow("taken the transactional id 'publisher-1' over")
    expect(await other.publishTransaction(both)).toHaveLength(2)
    await Promise.all([publisher.close(), other.close()])
  })

  test('whose writer is opened after the publisher was closed does not run', async () => {
    let goOn: () => void = () => undefined
    const gate = new Promise<void>((resolve) => {
      goOn = () => resolve()
    })
    const operations: string[] = []
    const faults = {
      before(operation: MemoryOperation) {
        operations.push(operation.type)
        return operation.type === 'open-writer' ? gate : undefined
      },
    }
    const { publisher, closeNow, read } = await publishing({ ...options, faults })
    const transaction = Promise.allSettled([publisher.publishTransaction(both)])
    await settle()
    await closeNow()
    goOn()
    await settle()
    expect(await transaction).toMatchObject([{ status: 'rejected' }])
    expect(operations).not.toContain('begin')
    expect(await read('a')).toEqual([])
  })

  test('is a flush: counted, and logged with its size, topics, time and trigger, whether it is committed or not', async () => {
    let fails = 0
    const faults = {
      before(operation: MemoryOperation) {
        if (operation.type === 'begin' && fails-- > 0)
          throw new MillraceError('KAFKA_ERROR', 'Not now.', { stage: 'commit', retryable: true })
      },
    }
    const { publisher, flushes, advance } = await publishing({
      ...options,
      faults,
      retry: { maxRetries: 1, jitter: 0, initialDelayMs: 100 },
    })
    await publisher.publishTransaction(both)
    await settle()
    expect(flushes()).toEqual([{ batchSize: 2, topics: 2, durationMs: 0, trigger: 'transaction', publisher: 'publisher' }])
    expect(publisher.metrics().batch).toMatchObject({ flushes_total: 1, flushed_messages_total: 2 })
    fails = 2
    const failed = Promise.allSettled([publisher.publishTransaction(both.slice(1))])
    await advance(100)
    expect(await failed).toMatchObject([{ status: 'rejected' }])
    expect(flushes()[1]).toMatchObject({ batchSize: 1, topics: 1, durationMs: 100, trigger: 'transaction' })
    expect(publisher.metrics().batch).toMatchObject({ flushes_total: 2, flushed_messages_total: 3, retries_total: 1 })
    await publisher.close()
  })

  test.each([
    ['zstd', { a: 'zstd', b: 'zstd' }],
    ['lz4', { a: 'zstd', b: 'gzip' }],
    ['lz4', {}],
  ])('has %s as its codec where topics have %o', async (codec, own: { readonly a?: string; readonly b?: string }) => {
    const events = { a: numbered('a', { compression: own.a }), b: numbered('b', { compression: own.b }) }
    const { publisher, transport } = await publishing({ ...options, events })
    const opened: unknown[] = []
    const openWriter = transport.openWriter.bind(transport)
    transport.openWriter = (...args) => {
      opened.push(args[0].compression)
      return openWriter(...args)
    }
    await publisher.publishTransaction([{ type: 'a', payload: { n: 1 } }])
    await publisher.publishTransaction([{ type: 'b', payload: { n: 2 } }])
    expect(opened).toEqual([codec])
    await publisher.close()
  })

  test('leaves no writer behind: closing waits for those that are being closed', async () => {
    let refuse = true
    const faults = {
      before(operation: MemoryOperation) {
        if (operation.type === 'send' && operation.clientId === 'publisher-transactions' && refuse)
          throw new MillraceError('INVALID_RECORD', 'No.', { stage: 'sink' })
      },
    }
    const { publisher, transport, advance } = await publishing({ ...options, faults })
    let open = 0
    let goOn: () => void = () => undefined
    const gate = new Promise<void>((resolve) => {
      goOn = () => resolve()
    })
    const openWriter = transport.openWriter.bind(transport)
    transport.openWriter = async (...args) => {
      open++
      const writer = await openWriter(...args)
      const close = writer.close.bind(writer)
      return Object.assign(writer, {
        close: async () => {
          await gate
          await close()
          open--
        },
      })
    }
    await expect(publisher.publishTransaction(both)).rejects.toMatchObject({ outcome: 'refused' })
    refuse = false
    let isClosed = false
    const closing = publisher.close().then(() => {
      isClosed = true
    })
    await advance(0)
    expect([isClosed, open]).toEqual([false, 1])
    goOn()
    await closing
    expect(open).toBe(0)
  })

  test('that waits for its keys for too long fails, with what is in its way; what waits for it goes then', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-transactions-'))
    const { publisher, advance, read, closeNow } = await publishing({
      ...options,
      outbox: { folder, open: openLevelDb },
      missing: 'c',
      deliveryTimeoutMs: 5_000,
    })
    void publisher.publish('c', { key: 'k', n: 1 })
    await publisher.stored()
    await advance(500)
    const failed = Promise.allSettled([publisher.publishTransaction(both)])
    const behind = publisher.publishTransaction([{ type: 'a', payload: { key: 'free', n: 4 } }, ...both])
    await advance(4_999)
    expect(publisher.metrics().batch.failed_total).toBe(0)
    await advance(1)
    const says = "has waited for 5000 ms (deliveryTimeoutMs) for what is before it in its keys, an event of type 'c' for topic 'c': "
    const reason = { code: 'TRANSACTION_FAILED', outcome: 'not-sent', eventType: 'a', topic: 'a', retryable: true }
    expect(await failed).toMatchObject([{ status: 'rejected', reason: { ...reason, cause: { cause: { code: 'UNKNOWN_TOPIC' } } } }])
    await expect(behind).rejects.toThrow(says)
    expect(publisher.metrics().batch.failed_total).toBe(5)
    // The key is as it was without them: its first event waits for its topic still.
    expect(await publisher.publishTransaction([{ type: 'a', payload: { key: 'free', n: 5 } }])).toHaveLength(1)
    expect((await read('a')).map(({ payload }) => payload.n)).toEqual([5])
    await closeNow()
    rmSync(folder, { recursive: true, force: true })
  })

  test('that is cut off by close fails as one, whether it was sent or waited', async () => {
    const faults = { before: (operation: MemoryOperation) => (operation.type === 'send' ? new Promise<void>(() => undefined) : undefined) }
    const { publisher, closeNow } = await publishing({ ...options, faults })
    const sent = publisher.publishTransaction(both)
    await settle()
    const waiting = publisher.publishTransaction(both)
    const unsent = await closeNow()
    const failed = { code: 'TRANSACTION_FAILED', retryable: false }
    await expect(sent).rejects.toMatchObject({ ...failed, outcome: 'unknown', cause: { code: 'DELIVERY_UNKNOWN' } })
    await expect(waiting).rejects.toMatchObject({ ...failed, retryable: true, outcome: 'not-sent', cause: { code: 'NOT_SENT' } })
    expect(unsent.unsent.map(({ outcome }) => outcome)).toEqual(['unknown', 'unknown', 'not-sent', 'not-sent'])
  })

  test('needs a transactional id, and room for all of it', async () => {
    const without = createPublisher({ transport: memory(), events: { a: event({ topic: 'a' }) }, environment: {} })
    await expect(without.publishTransaction([])).rejects.toThrow('transactionalId')
    const { publisher } = await publishing({ ...options, buffer: { maxEvents: 2 } })
    void publisher.publish('a', { key: 'k', n: 1 })
    await expect(publisher.publishTransaction(both)).rejects.toMatchObject({ code: 'BUFFER_FULL' })
    await settle()
    await publisher.close()
    await expect(publisher.publishTransaction(both)).rejects.toMatchObject({ code: 'PUBLISHER_CLOSED' })
  })
})
