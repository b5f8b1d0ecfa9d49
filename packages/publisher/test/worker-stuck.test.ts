import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ManualClock } from '@millrace/core'
import { createPublisher } from '@millrace/publisher'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { resolvePublisher } from '../src/resolve-options.ts'
import { WorkerPublisher } from '../src/worker/worker-publisher.ts'
import { logInFolder } from './modules/log-in-folder.ts'
import { events } from './modules/worker-events.ts'
import { settle, threeTopics } from './support/publishing.ts'
import { createTopics, isAlive, recording, worker } from './support/with-worker.ts'

let folder = ''
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-worker-'))
  await createTopics(folder)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('a worker that hangs is ended: what it had is rejected as unknown, what came since has another', async () => {
  const { logger, pids, messages } = recording()
  const clock = new ManualClock()
  const transport = logInFolder({ folder })
  const options = { transport, events: threeTopics, environment: {}, transactionalId: 'stuck-1', logger, worker }
  const publisher = new WorkerPublisher<typeof threeTopics>({ ...resolvePublisher(options), clock }, options)
  const now = { critical: true }
  await publisher.publish('c', { n: 0 }, now)
  process.kill(pids[0] as number, 'SIGSTOP')
  const lost = publisher.publish('a', { n: 1 }, now)
  const transaction = publisher.publishTransaction([{ type: 'b', payload: { n: 2 } }])
  const flushed = publisher.forceFlush()
  let isOver = false
  lost.catch(() => (isOver = true))
  await settle()
  await clock.advance(30_000, settle)
  expect(isOver).toBe(false)
  await clock.advance(3_000, settle)
  await expect(lost).rejects.toMatchObject({ code: 'WORKER_DIED', outcome: 'unknown', eventType: 'a' })
  await expect(lost).rejects.toThrow('nothing was heard of it for 30000 ms (worker.answerTimeoutMs)')
  await expect(transaction).rejects.toMatchObject({ code: 'TRANSACTION_FAILED', outcome: 'unknown', cause: { code: 'WORKER_DIED' } })
  await flushed
  expect(messages).toContain('a worker of the publisher died')
  await publisher.publish('a', { n: 3 }, now)
  expect(await publisher.close()).toEqual({ unsent: [] })
  await expect.poll(() => pids.map(isAlive), { timeout: 60_000 }).toEqual([false, false])
}, 120_000)

test('an event is as old in the worker as it is in the service', async () => {
  const { logger } = recording()
  const clock = new ManualClock()
  const options = {
    transport: logInFolder({ folder }),
    events: threeTopics,
    environment: {},
    batch: { timeoutMs: 100_000 },
    logger,
    worker,
  }
  const publisher = new WorkerPublisher<typeof threeTopics>({ ...resolvePublisher(options), clock }, options)
  const waiting = publisher.publish('a', { n: 1 })
  await clock.advance(50_000)
  // Its answer comes with what the worker knows of the other by then.
  await publisher.publish('b', { n: 2 }, { critical: true })
  const { pendingEvents, oldestAgeMs } = publisher.getBatchStatus()
  expect(pendingEvents).toBe(1)
  expect(oldestAgeMs).toBeGreaterThanOrEqual(49_900)
  await publisher.close()
  await waiting
}, 60_000)

test('a worker that does not begin for a minute is ended', async () => {
  const { logger, pids } = recording()
  const clock = new ManualClock()
  const own = { ...worker, events: new URL('./modules/never-ready.ts', import.meta.url) }
  const options = { transport: logInFolder({ folder }), events, environment: {}, logger, worker: own }
  const publisher = new WorkerPublisher<typeof events>({ ...resolvePublisher(options), clock }, options)
  const waiting = publisher.publish('a', { n: 1 }, { critical: true })
  await settle()
  await clock.advance(66_000, settle)
  await expect(waiting).rejects.toMatchObject({ code: 'WORKER_DIED', outcome: 'not-sent', retryable: true })
  expect(await publisher.close()).toEqual({ unsent: [] })
  await expect.poll(() => pids.map(isAlive), { timeout: 60_000 }).toEqual([false])
}, 120_000)

test('what a worker that never begins was to have is rejected in time, and known not to be sent', async () => {
  const { logger, pids } = recording()
  const publisher = createPublisher({
    transport: logInFolder({ folder }),
    events,
    environment: {},
    transactionalId: 'stuck-2',
    deliveryTimeoutMs: 50,
    logger,
    worker: { ...worker, events: new URL('./modules/never-ready.ts', import.meta.url) },
  })
  const waiting = publisher.publish('a', { n: 1 })
  const transaction = publisher.publishTransaction([{ type: 'a', payload: { n: 2 } }])
  const flushed = publisher.forceFlush()
  await expect(waiting).rejects.toMatchObject({ code: 'NOT_SENT', outcome: 'not-sent', retryable: true })
  await expect(transaction).rejects.toMatchObject({ code: 'TRANSACTION_FAILED', outcome: 'not-sent', cause: { code: 'NOT_SENT' } })
  await flushed
  void publisher.publish('a', { n: 3 }, { id: 'three' })
  const { unsent } = await publisher.close({ timeoutMs: 0 })
  expect(unsent).toMatchObject([{ id: 'three', outcome: 'not-sent' }])
  expect(pids.map(isAlive)).toEqual([false])
}, 60_000)

test('a worker that can not be started, for too long an argument or anything else, rejects what it was to have', async () => {
  const { logger, pids, messages } = recording()
  const execArgv = [`--title=${'x'.repeat(200_000)}`]
  const options = { transport: logInFolder({ folder }), events: threeTopics, environment: {}, logger, transactionalId: 'stuck-3' }
  const publisher = createPublisher({ ...options, batch: { size: 2, timeoutMs: 20 }, worker: { execArgv } })
  const died = { code: 'WORKER_DIED', outcome: 'not-sent', retryable: true }
  // By the timer, by a batch that is full, at once, and for a call.
  await expect(publisher.publish('a', { n: 1 })).rejects.toMatchObject(died)
  await expect(publisher.publish('a', { n: 2 })).rejects.toThrow('it could not be started: spawn E2BIG')
  const outcomes = await publisher.publishBatch([1, 2, 3].map((n) => ({ type: 'a', payload: { n } })))
  expect(outcomes).toMatchObject([1, 2, 3].map(() => ({ ok: false, error: died })))
  await expect(publisher.publish('a', { n: 3 }, { critical: true })).rejects.toMatchObject(died)
  const transaction = publisher.publishTransaction([{ type: 'b', payload: { n: 4 } }])
  await expect(transaction).rejects.toMatchObject({ code: 'TRANSACTION_FAILED', outcome: 'not-sent', cause: died })
  void publisher.publish('a', { n: 5 }, { id: 'five' })
  await publisher.forceFlush()
  void publisher.publish('a', { n: 6 }, { id: 'six' })
  expect((await publisher.close()).unsent).toMatchObject([{ id: 'six', outcome: 'not-sent' }])
  expect(pids).toEqual([])
  expect(messages).toContain('a worker of the publisher died')
}, 60_000)

test('what a worker is not told is refused when the publisher is made', () => {
  const options = { transport: logInFolder({ folder }), events: threeTopics, environment: {} }
  const wrong = { execArgv: 5, answerTimeoutMs: 0, execargv: [] } as never
  expect(() => createPublisher({ ...options, worker: wrong })).toThrow(
    /worker\.execargv.*worker\.execArgv is 5.*worker\.answerTimeoutMs is 0/s,
  )
})
