import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MillraceError } from '@millrace/core'
import { createPublisher, event, PublishError } from '@millrace/publisher'
import { memory, type MemoryTransport } from '@millrace/transport-memory'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { logInFolder } from './modules/log-in-folder.ts'
import { events } from './modules/worker-events.ts'
import { readTopic, threeTopics } from './support/publishing.ts'
import { createTopics, isAlive, recording, worker } from './support/with-worker.ts'

let folder = ''
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-worker-'))
  await createTopics(folder)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('a worker publishes single events and batches, answers with receipts and whole errors, and ends when it is closed', async () => {
  const { logger, pids, messages } = recording()
  const options = {
    transport: logInFolder({ folder }),
    events: threeTopics,
    environment: {},
    batch: { size: 4, timeoutMs: 20 },
    logger,
    worker,
  }
  const publisher = createPublisher({ ...options, transactionalId: 'worker-1' })
  const single = publisher.publish('a', { key: 'k', n: 0 }, { id: 'one' })
  expect(publisher.getBatchStatus().pendingEvents).toBe(1)
  // Sizes are those that a publisher without a worker counts.
  const near = createPublisher({ ...options, transport: memory(), worker: false })
  void near.publish('a', { key: 'k', n: 0 }, { id: 'one' })
  expect(publisher.getBatchStatus().pendingBytes).toBe(near.getBatchStatus().pendingBytes)
  expect(await single).toMatchObject({ id: 'one', topic: 'a', offset: 0 })
  const outcomes = await publisher.publishBatch([
    { type: 'a', payload: { key: 'k', n: 1 } },
    { type: 'a', payload: { key: 'k', n: 2, pad: 'x'.repeat(2_000) }, options: { id: 'large' } },
    { type: 'a', payload: { key: 'k', n: 3 } },
  ])
  expect(outcomes.map(({ ok }) => ok)).toEqual([true, false, true])
  const [, failed] = outcomes
  const error = failed?.ok === false ? failed.error : undefined
  expect(error).toBeInstanceOf(PublishError)
  expect(error).toBeInstanceOf(MillraceError)
  expect(error).toMatchObject({
    code: 'RECORD_TOO_LARGE',
    outcome: 'refused',
    eventId: 'large',
    eventType: 'a',
    topic: 'a',
    overtaken: true,
  })
  expect(error?.cause).toMatchObject({ name: 'MillraceError', code: 'RECORD_TOO_LARGE' })
  expect(await publisher.publishTransaction([{ type: 'b', payload: { key: 'k', n: 4 } }])).toMatchObject([{ topic: 'b' }])
  await expect(publisher.publish('a', { n: 1n as never })).rejects.toMatchObject({ code: 'NOT_SERIALIZABLE', outcome: 'not-sent' })
  await expect(publisher.publish('a', { n: 0 }, { headers: { trace: Symbol('t') as never } })).rejects.toThrow("its header 'trace' is")
  const changed = { key: 'k', n: 5 }
  const headers = { trace: Buffer.from('then'), text: 'then' }
  void publisher.publish('c', changed, { headers })
  changed.n = 6
  headers.trace.write('now!')
  headers.text = 'now!'
  await publisher.forceFlush()
  expect(publisher.getBatchStatus()).toMatchObject({ pendingEvents: 0, inFlight: 0, pendingBytes: 0, waitingForRoom: 0 })
  expect(publisher.metrics().batch).toMatchObject({ pending_batch_messages: 0, rejected_total: 2, batch_size_configured: 4 })
  expect(await publisher.close()).toEqual({ unsent: [] })
  expect(publisher.metrics().batch).toMatchObject({ delivered_total: 5, failed_total: 1 })
  await expect(publisher.publish('a', { n: 6 })).rejects.toMatchObject({ code: 'PUBLISHER_CLOSED' })
  expect(pids.map(isAlive)).toEqual([false])
  expect(messages).toContain('events were flushed')
  expect((await readTopic(logInFolder({ folder }) as MemoryTransport, 'a')).map(({ payload }) => payload.n)).toEqual([0, 1, 3])
  expect(await readTopic(logInFolder({ folder }) as MemoryTransport, 'c')).toMatchObject([
    { payload: { n: 5 }, headers: { trace: 'then', text: 'then' } },
  ])
}, 60_000)

test('a worker makes the bytes of events by their own serializers, of the JSON that the service made, and sends all of them', async () => {
  const { logger, pids } = recording()
  const own = { ...worker, events: new URL('./modules/worker-events.ts', import.meta.url) }
  const publisher = createPublisher({
    transport: logInFolder({ folder, noteSenders: true }),
    events,
    environment: {},
    batch: { strategy: 'immediate' },
    logger,
    worker: own,
  })
  const outcomes = await publisher.publishBatch([
    { type: 'b', payload: { n: 1 } },
    { type: 'b', payload: { n: -1 } },
    { type: 'a', payload: { n: 2 } },
  ])
  const said = { code: 'NOT_SERIALIZABLE', outcome: 'not-sent', cause: { name: 'RangeError', message: 'less than nothing' } }
  expect(outcomes).toMatchObject([{ ok: true }, { ok: false, error: said }, { ok: true }])
  // One that the worker can't make bytes of was not taken, as without a worker.
  const { batch } = publisher.metrics()
  expect(batch).toMatchObject({ published_total: 2, delivered_total: 2, failed_total: 0, rejected_total: 1 })
  await publisher.close()
  const [pid] = pids
  expect(pid).not.toBe(process.pid)
  const transport = logInFolder({ folder }) as MemoryTransport
  expect((await readTopic(transport, 'b')).map(({ payload }) => payload)).toEqual([{ n: 1, pid }])
  expect((await readTopic(transport, 'a')).map(({ payload }) => payload)).toEqual([{ n: 2 }])
  const senders = readFileSync(join(folder, 'senders'), 'utf8').trim().split('\n')
  expect(new Set(senders)).toEqual(new Set([String(pid)]))
}, 60_000)

test('a worker that is killed rejects what it had, as unknown, and the next event has another; what can not be sent is named by close', async () => {
  const { logger, pids } = recording()
  const transport = logInFolder({ folder, stuck: ['a', 'b'] })
  const publisher = createPublisher({ transport, events: threeTopics, environment: {}, batch: { strategy: 'immediate' }, logger, worker })
  const written = publisher.publish('c', { n: 0 })
  const flushed = publisher.forceFlush()
  const lost = publisher.publish('a', { n: 1 })
  // A forced flush waits for nothing that is published after it.
  await flushed
  expect(await written).toMatchObject({ topic: 'c' })
  let isFlushed = false
  const flushing = publisher.forceFlush().then(() => {
    isFlushed = true
  })
  const { pendingEvents, inFlight } = publisher.getBatchStatus()
  expect(pendingEvents + inFlight).toBe(1)
  // It is ready once it has answered something: it refuses this one by itself.
  await expect(publisher.publish('nothing' as 'a', { n: 0 })).rejects.toMatchObject({ code: 'UNKNOWN_EVENT_TYPE' })
  await expect(publisher.publishTransaction([])).rejects.toThrow('transactionalId')
  expect(isFlushed).toBe(false)
  process.kill(pids[0] as number, 'SIGKILL')
  await expect(lost).rejects.toMatchObject({ code: 'WORKER_DIED', eventType: 'a', topic: 'a' })
  await flushing
  const { flushes_total: flushes } = publisher.metrics().batch
  await publisher.publish('c', { n: 3 })
  // Counters go on from one worker to the next.
  const { batch } = publisher.metrics()
  expect(batch).toMatchObject({ published_total: 3, delivered_total: 2, failed_total: 1, rejected_total: 1 })
  expect(flushes).toBeGreaterThan(0)
  expect(batch.flushes_total).toBe(flushes + 1)
  const stuck = publisher.publish('b', { n: 2 }, { id: 'two' })
  const { unsent } = await publisher.close({ timeoutMs: 4_000 })
  expect(unsent).toEqual([{ id: 'two', type: 'b', topic: 'b', outcome: 'unknown', kept: false }])
  await expect(stuck).rejects.toMatchObject({ outcome: 'unknown' })
  expect(pids).toHaveLength(2)
  expect(pids.map(isAlive)).toEqual([false, false])
}, 60_000)

test('a worker that answers no more holds nobody up: close ends in time, every promise with it, and names what was sent and what waited', async () => {
  const { logger, pids } = recording()
  const transport = logInFolder({ folder, stuck: ['a', 'b', 'c'] })
  const publisher = createPublisher({
    transport,
    events: threeTopics,
    environment: {},
    batch: { strategy: 'immediate' },
    buffer: { maxEvents: 6 },
    transactionalId: 'worker-2',
    logger,
    worker,
  })
  const both = [
    { type: 'b' as const, payload: { n: 4 }, options: { id: 'four' } },
    { type: 'c' as const, payload: { n: 5 }, options: { id: 'five' } },
  ]
  for (const n of [0, 1, 2, 3, 6, 7]) void publisher.publish('a', { key: 'k', n }, { id: `a${n}` })
  // It is told how it goes though nothing is settled.
  await expect
    .poll(() => publisher.getBatchStatus(), { timeout: 60_000 })
    .toMatchObject({ inFlight: 4, pendingEvents: 0, pendingBytes: 0, oldestAgeMs: 0, waitingForRoom: 2 })
  await expect(publisher.publishTransaction([{ type: 'nothing' as 'a', payload: { n: 0 } }])).rejects.toMatchObject({
    code: 'UNKNOWN_EVENT_TYPE',
  })
  await expect(publisher.publishTransaction([...both, ...both])).rejects.toMatchObject({ code: 'BUFFER_FULL' })
  const transaction = Promise.allSettled([publisher.publishTransaction(both)])
  const flushed = publisher.forceFlush()
  process.kill(pids[0] as number, 'SIGSTOP')
  const { unsent } = await publisher.close({ timeoutMs: 100 })
  expect(await transaction).toMatchObject([
    { status: 'rejected', reason: { code: 'TRANSACTION_FAILED', outcome: 'unknown', cause: { code: 'DELIVERY_UNKNOWN' } } },
  ])
  await flushed
  expect(unsent.map(({ id, outcome }) => `${id} ${outcome}`)).toEqual([
    'a6 not-sent',
    'a7 not-sent',
    ...['four', 'five', 'a0', 'a1', 'a2', 'a3'].map((id) => `${id} unknown`),
  ])
  expect(pids.map(isAlive)).toEqual([false])
}, 120_000)

test('a worker that can not start says why; what waits for room too long does not wait for that', async () => {
  const { logger, messages } = recording()
  const transport = Object.assign(memory(), { recipe: { module: 'data:text/javascript,', name: 'nothing', options: undefined } })
  const options = { transport, events: threeTopics, environment: {}, logger, worker }
  const publisher = createPublisher(options)
  await expect(publisher.publish('a', { n: 1 })).rejects.toMatchObject({ code: 'WORKER_FAILED', outcome: 'not-sent' })
  expect(await publisher.close()).toEqual({ unsent: [] })
  const impatient = createPublisher({ ...options, buffer: { maxEvents: 1 }, deliveryTimeoutMs: 20 })
  const outcomes = await impatient.publishBatch([1, 2].map((n) => ({ type: 'a', payload: { n } })))
  expect(outcomes).toMatchObject([1, 2].map(() => ({ error: { code: 'NOT_SENT', outcome: 'not-sent' } })))
  expect(impatient.metrics().batch).toMatchObject({ published_total: 2, failed_total: 2, delivered_total: 0 })
  expect(messages).toContain('an event was not published')
  expect(await impatient.close()).toEqual({ unsent: [] })
}, 60_000)

test('what can not go to another process is refused when the publisher is made', () => {
  const serialize = () => new Uint8Array()
  const wrong = { transport: memory(), events: { a: event<string>({ topic: 'a', serialize }) }, environment: {}, worker: true }
  expect(() => createPublisher(wrong)).toThrow("transport 'memory', which lives in this process")
  const recipe = { module: 'data:text/javascript,', name: 'nothing', options: { log: () => undefined } }
  const unclonable = { ...wrong, transport: Object.assign(memory(), { recipe }), events: threeTopics }
  expect(() => createPublisher(unclonable)).toThrow('options that go to the worker must be plain data')
  expect(() => createPublisher(wrong)).toThrow("events['a'].serialize can't be used with worker")
  expect(() => createPublisher({ ...wrong, worker: { events: 'events.ts' } })).toThrow('worker.events is "events.ts"')
})
