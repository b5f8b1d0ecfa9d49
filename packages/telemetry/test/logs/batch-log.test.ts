import { type FailureEvent, ManualClock, type PassEndedEvent } from '@millrace/core'
import { expect, test } from 'vitest'
import { BatchLog } from '../../src/logs/batch-log.ts'

const at = { task: '0_1', topic: 'in', partition: 1 }
const pass = (more: Partial<PassEndedEvent>): PassEndedEvent => ({
  type: 'pass-ended',
  stage: 'process',
  node: 'source',
  ...at,
  records: 10,
  firstOffset: 100,
  lastOffset: 109,
  batches: 1,
  trigger: 'records',
  outcome: 'done',
  done: 10,
  givenUp: 0,
  retries: 0,
  durationMs: 4,
  waitedMs: 0,
  waitingRecords: 0,
  ...more,
})
const failure: FailureEvent = {
  type: 'failure',
  stage: 'process',
  policy: 'skip',
  node: 'n',
  ...at,
  offset: 103,
  attempts: 2,
  error: new Error('bad'),
}

function logging() {
  const clock = new ManualClock()
  let now = 0
  const lines: [string, object, string][] = []
  const level = (name: string) => (fields: object, message: string) => void lines.push([name, fields, message])
  const logger = { debug: level('debug'), info: level('info'), warn: level('warn'), error: level('error') }
  const log = new BatchLog({
    application: 'app',
    logger,
    summaryEveryMs: 1_000,
    now: () => now,
    after: (ms, told) => clock.after(ms, told),
  })
  /** Without the timers that would go off meanwhile: the thread was busy. */
  const wait = (ms: number) => (now += ms)
  const advance = async (ms: number) => {
    now += ms
    await clock.advance(ms)
  }
  return { log, lines, wait, advance }
}

test('summaries come at most once in a while for each partition, and none is lost when the task goes', () => {
  const { log, lines, wait } = logging()
  log.observe(pass({}))
  for (let i = 0; i < 5; i++) log.observe(pass({ lastOffset: 200 + i }))
  expect(lines).toHaveLength(1)
  wait(1_000)
  log.observe(pass({ lastOffset: 300 }))
  log.observe(pass({ lastOffset: 310 }))
  log.observe({ type: 'revoked', stage: 'source', tasks: ['0_1'] })
  const about = { application: 'app', ...at }
  expect(lines).toMatchObject([
    ['info', { ...about, offset: 109, passes: 1, records: 10 }, 'batches were processed'],
    ['info', { ...about, offset: 300, passes: 6, records: 60 }, 'batches were processed'],
    ['info', { ...about, offset: 310, passes: 1, records: 10 }, 'batches were processed'],
  ])
})

test('what a burst has left is told when it is time, though nothing follows', async () => {
  const { log, lines, advance } = logging()
  for (let i = 0; i < 5; i++) log.observe(pass({ lastOffset: 200 + i }))
  for (let i = 0; i < 3; i++) log.observe({ ...failure, stage: 'source', offset: 90 + i })
  await advance(500)
  log.observe(pass({ partition: 2, task: '0_2', lastOffset: 300 }))
  log.observe(pass({ partition: 2, task: '0_2', lastOffset: 310 }))
  expect(lines.filter(([level]) => level !== 'debug')).toHaveLength(3)
  lines.length = 0
  await advance(500)
  expect(lines).toMatchObject([
    ['info', { task: '0_1', offset: 204, passes: 4, records: 40 }, 'batches were processed'],
    ['warn', { offset: 91, failed: 2 }, 'records failed'],
  ])
  lines.length = 0
  await advance(1_000)
  expect(lines).toMatchObject([['info', { task: '0_2', offset: 310, passes: 1, records: 10 }, 'batches were processed']])
  await advance(60_000)
  expect(lines).toHaveLength(1)
})

test('records that no pass is made of are told by themselves, at once and then rarely, and not with the pass that follows', () => {
  const { log, lines, wait } = logging()
  const unreadable = { ...failure, stage: 'source', node: 'source' } as const
  for (let i = 0; i < 3; i++) log.observe({ ...unreadable, offset: 90 + i })
  log.observe({ ...failure, stage: 'sink', node: 'rows', task: 'rows', offset: 80 })
  log.observe(failure)
  log.observe(pass({ givenUp: 1 }))
  wait(1_000)
  log.observe(pass({}))
  log.observe({ ...unreadable, offset: 99 })
  log.observe({ type: 'revoked', stage: 'source', tasks: ['0_1'] })
  const warned = lines.flatMap(([level, fields, message]) => (level === 'warn' ? [[message, fields]] : []))
  const named = (offset: number, node = 'source') => ({ offset, node, policy: 'skip', reason: 'bad' })
  expect(warned).toEqual([
    ['records failed', { application: 'app', ...at, offset: 90, failed: 1, failures: [named(90)] }],
    ['records failed', { application: 'app', ...at, task: 'rows', offset: 80, failed: 1, failures: [named(80, 'rows')] }],
    ['records of a batch failed', expect.objectContaining({ offset: 100, failed: 1, failures: [named(103, 'n')] })],
    ['records failed', { application: 'app', ...at, offset: 91, failed: 2, failures: [named(91), named(92)] }],
    ['records failed', { application: 'app', ...at, offset: 99, failed: 1, failures: [named(99)] }],
  ])
})

test('single records are told at debug, batches of which records failed at warn with which and why, batches that failed at error', () => {
  const { log, lines } = logging()
  log.observe(failure)
  log.observe(pass({ givenUp: 1 }))
  const error = new Error('all of it')
  log.observe(pass({ outcome: 'failed', done: 0, error }))
  expect(lines).toMatchObject([
    ['debug', { ...at, offset: 103, attempts: 2 }, 'a record failed'],
    [
      'warn',
      { ...at, offset: 100, records: 10, failed: 1, failures: [{ offset: 103, node: 'n', policy: 'skip', reason: 'bad' }] },
      'records of a batch failed',
    ],
    ['info', {}, 'batches were processed'],
    ['error', { ...at, offset: 100, records: 10, err: error }, 'a batch failed'],
  ])
})
