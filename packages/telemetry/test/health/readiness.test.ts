import type { AppHealth, PartitionHealth, TaskHealth } from '@millrace/core'
import { expect, test } from 'vitest'
import { Readiness } from '../../src/health/readiness.ts'

const partition: PartitionHealth = {
  topic: 'in',
  partition: 0,
  position: 10,
  waitingRecords: 0,
  waitingSince: undefined,
  batchSize: 100,
  batchTimeoutMs: 1_000,
}
const task: TaskHealth = {
  task: '0_0',
  state: 'running',
  partitions: [partition],
  waitingRecords: 0,
  waitingBytes: 0,
  waitsFor: undefined,
  pass: undefined,
  uncommittedBytes: 0,
  circuits: {},
}
const health = (more: Partial<TaskHealth> = {}, state: AppHealth['state'] = 'running', error?: unknown): AppHealth => ({
  state,
  healthy: true,
  error,
  tasks: [{ ...task, ...more }],
  sinks: {},
})

function looking() {
  let now = 1_000_000
  const readiness = new Readiness({ stuckAfterMs: 5_000, now: () => now })
  return { readiness, pass: (ms: number) => (now += ms), now: () => now }
}

test('an application that runs and has nothing to do is ready', () => {
  expect(looking().readiness.look(health())).toEqual({ ready: true, state: 'running', problems: [] })
})

test('a failure, a rebalance and an end are told by their reasons', () => {
  const { readiness, pass } = looking()
  const [failed] = readiness.look(health({}, 'error', new Error('broken'))).problems
  expect(failed).toMatchObject({ reason: 'failed' })
  expect(failed?.detail).toContain('broken')
  readiness.observe({ type: 'state', stage: 'source', from: 'running', to: 'rebalancing' })
  pass(300)
  expect(readiness.look(health({}, 'rebalancing'))).toMatchObject({ ready: false, problems: [{ reason: 'rebalancing', forMs: 300 }] })
  expect(readiness.look(health({}, 'not-running'))).toMatchObject({ problems: [{ reason: 'not-running' }] })
})

test('a restore names the store and how much is to go', () => {
  const { readiness } = looking()
  const restoring = health({ state: 'restoring' }, 'running')
  expect(readiness.look(restoring).problems).toMatchObject([{ reason: 'restoring', task: '0_0' }])
  const restore = {
    type: 'restore',
    stage: 'store',
    task: '0_0',
    store: 'counts',
    topic: 'c',
    partition: 0,
    from: 0,
    to: 9,
    durationMs: 1,
  } as const
  readiness.observe({ ...restore, phase: 'progress', restoredRecords: 2, remainingRecords: 7 })
  const [told] = readiness.look(restoring).problems
  expect(told).toMatchObject({ reason: 'restoring', store: 'counts' })
  expect(told?.detail).toContain('7 records')
})

test('an open circuit names its node, and a task that waits for it is not stuck besides', () => {
  const { readiness, now, pass } = looking()
  const since = now()
  pass(100_000)
  const waiting = { circuits: { call: 'open' }, partitions: [{ ...partition, waitingRecords: 3, waitingSince: since }] } as const
  expect(readiness.look(health(waiting)).problems).toMatchObject([{ reason: 'circuit-open', node: 'call' }])
})

test('a pass that runs too long is stuck, and so are records that nobody takes', () => {
  const { readiness, now, pass } = looking()
  const running = { topic: 'in', partition: 0, runningMs: 5_001, records: 9, batches: 1, retries: 0 }
  expect(readiness.look(health({ pass: running })).problems).toMatchObject([{ reason: 'stuck', topic: 'in', partition: 0, forMs: 5_001 }])
  expect(readiness.look(health({ pass: { ...running, runningMs: 4_000 } })).ready).toBe(true)
  const waiting = health({ partitions: [{ ...partition, waitingRecords: 3, waitingSince: now() }] })
  pass(6_000)
  expect(readiness.look(waiting).ready).toBe(true)
  pass(1)
  const [told] = readiness.look(waiting).problems
  expect(told).toMatchObject({ reason: 'stuck' })
  expect(told?.detail).toContain('3 records of in-0')
})

test('a pass that fails again and again is stuck, though nothing waits behind it and its waits are none of its time', () => {
  const { readiness, pass } = looking()
  const running = { topic: 'in', partition: 0, runningMs: 10, records: 9, batches: 1, retries: 40 }
  const retrying = health({ pass: running, waitsFor: 'retry' })
  const at = { stage: 'process', task: '0_0', topic: 'in', partition: 0, records: 9 } as const
  const retry = { type: 'retry', ...at, retry: 1, delayMs: 100, error: new Error('away') } as const
  readiness.observe(retry)
  pass(5_000)
  readiness.observe({ ...retry, retry: 2 })
  expect(readiness.look(retrying).ready).toBe(true)
  pass(1)
  const [told] = readiness.look(retrying).problems
  expect(told).toMatchObject({ reason: 'stuck', topic: 'in', partition: 0, forMs: 5_001 })
  expect(told?.detail).toContain('40 retries')
  // Another begins.
  const ended = { node: 'in', firstOffset: 0, lastOffset: 8, batches: 1, trigger: 'age', done: 9, givenUp: 9, retries: 40 } as const
  readiness.observe({ type: 'pass-ended', ...at, ...ended, outcome: 'done', durationMs: 10, waitedMs: 5_000, waitingRecords: 0 })
  expect(readiness.look(retrying).ready).toBe(true)
  readiness.observe(retry)
  pass(6_000)
  readiness.observe({ type: 'revoked', stage: 'source', tasks: ['0_0'] })
  expect(readiness.look(retrying).ready).toBe(true)
})

test('a task that waits for a commit that never comes is stuck, though no record waits', () => {
  const { readiness, pass } = looking()
  const running = { topic: 'in', partition: 0, runningMs: 10, records: 9, batches: 1, retries: 0 }
  const waiting = health({ waitsFor: 'commit' })
  const commit = { type: 'commit', stage: 'commit', reason: 'bytes', tasks: 1, partitions: 1, records: 9, changelogRecords: 0 } as const
  const ready = () => readiness.look(waiting).ready
  expect(ready()).toBe(true)
  pass(5_000)
  expect(ready()).toBe(true)
  pass(1)
  expect(readiness.look(waiting).problems).toMatchObject([{ reason: 'stuck', task: '0_0', forMs: 5_001 }])
  readiness.observe({ ...commit, durationMs: 1 })
  expect(ready()).toBe(true)
  pass(5_000)
  // It went on meanwhile.
  expect(readiness.look(health({ pass: running })).ready).toBe(true)
  pass(5_000)
  expect(ready()).toBe(true)
})

test('a thread that tells nothing any more is stuck, whatever it told last; one that died is not', () => {
  const { readiness } = looking()
  const thread = { thread: 2, state: 'running', tasks: ['0_0'], silentMs: 5_001, replaced: 0, utilization: 1 } as const
  const [told, ...more] = readiness.look({ ...health(), threads: [{ ...thread, thread: 1, silentMs: 5_000 }, thread] }).problems
  expect([told, more]).toMatchObject([{ reason: 'stuck', forMs: 5_001 }, []])
  expect(told?.detail).toContain('Thread 2')
  expect(readiness.look({ ...health(), threads: [{ ...thread, state: 'died' }] }).ready).toBe(true)
})

test('of several partitions the one that waits longest counts', () => {
  const { readiness, now, pass } = looking()
  const late = { ...partition, partition: 1, waitingRecords: 2, waitingSince: now() }
  pass(6_001)
  const waiting = health({ partitions: [{ ...partition, waitingRecords: 1, waitingSince: now() }, late] })
  expect(readiness.look(waiting).problems).toMatchObject([{ reason: 'stuck', partition: 1, forMs: 6_001 }])
})

test('an open circuit of a sink outside names its node and what it is of, and a task that waits for it is not stuck besides', () => {
  const { readiness, now, pass } = looking()
  const since = now()
  pass(100_000)
  const waiting = health({ partitions: [{ ...partition, waitingRecords: 3, waitingSince: since }] })
  const [told, ...more] = readiness.look({ ...waiting, sinks: { rows: { orders: 'open', customers: 'half-open' } } }).problems
  expect([told, more]).toMatchObject([{ reason: 'circuit-open', node: 'rows' }, []])
  expect(told?.detail).toContain("'orders' in sink 'rows'")
})

test('brokers that do not answer for a while make it not ready, until they do', () => {
  const { readiness, pass } = looking()
  readiness.asked()
  pass(9_000)
  expect(readiness.look(health()).ready).toBe(true)
  readiness.asked()
  pass(1_001)
  expect(readiness.look(health()).problems).toMatchObject([{ reason: 'brokers-away', forMs: 10_001 }])
  readiness.answered()
  expect(readiness.look(health()).ready).toBe(true)
})
