import {
  type AppHealth,
  MillraceError,
  type PartitionLag,
  silentLogger,
  type StoreSize,
  type TaskHealth,
  type ThreadHealth,
} from '@millrace/core'
import { expect, test } from 'vitest'
import { Readiness } from '../../src/health/readiness.ts'
import { Recorder } from '../../src/metrics/recorder.ts'
import { Sampler } from '../../src/metrics/sampler.ts'
import type { ObservedApp } from '../../src/observed-app.ts'

const size = (task: string): StoreSize => ({ task, store: 'counts', entries: 7, uncommittedBytes: 0 })

/** An application that has task 0_0, as far as it answers. */
function sampling({ lag, stores }: { lag: () => Promise<readonly PartitionLag[]>; stores: () => Promise<readonly StoreSize[]> }) {
  const recorder = new Recorder({ application: 'app', compatible: undefined, storesOf: () => ['counts'] })
  const readiness = new Readiness({ stuckAfterMs: 60_000, now: () => now })
  let now = 0
  let settled = 0
  const settle = () => void settled++
  const sampler = new Sampler({ recorder, readiness, everyMs: 0, logger: silentLogger, settle })
  const sinks: Record<string, AppHealth['sinks'][string]> = {}
  const threads: ThreadHealth[] = []
  const partition = {
    topic: 'in',
    partition: 0,
    position: 0,
    waitingRecords: 0,
    waitingSince: undefined,
    batchSize: 100,
    batchTimeoutMs: 5,
  }
  const task = { task: '0_0', state: 'running', partitions: [partition], waitingRecords: 0, waitingBytes: 0 } as const
  const tasks: TaskHealth[] = [{ ...task, waitsFor: undefined, pass: undefined, uncommittedBytes: 0, circuits: {} }]
  const health = {
    ...({ state: 'running', healthy: true, error: undefined } as const),
    sinks,
    threads,
    tasks,
  } as const
  sampler.attach({ health: () => health, inspect: { lag, stores } } as unknown as ObservedApp)
  const wait = (ms: number) => (now += ms)
  return { recorder, sampler, sinks, tasks, threads, wait, ready: () => readiness.look(health), settled: () => settled }
}

const partitionsOf = ({ families }: Recorder) => [...families.entries.all].map(({ labels }) => labels['partition'])

test('what waits to be counted is, before who refreshes reads, whether or not there is an application', async () => {
  const { sampler, settled } = sampling({ lag: async () => [], stores: async () => [] })
  await sampler.refresh()
  expect(settled()).toBe(1)
  sampler.stop()
  await sampler.refresh()
  expect(settled()).toBe(2)
})

test('sizes of stores are told though no broker answers, and that none does is told as well', async () => {
  let away = true
  const lag = async () => {
    if (away) throw new Error('no broker')
    return []
  }
  const { recorder, sampler, wait, ready } = sampling({ lag, stores: async () => [size('0_0')] })
  await sampler.refresh()
  expect(partitionsOf(recorder)).toEqual(['0'])
  wait(10_001)
  expect(ready()).toMatchObject({ ready: false, problems: [{ reason: 'brokers-away' }] })
  away = false
  await sampler.refresh()
  expect(ready().ready).toBe(true)
  sampler.stop()
})

test('circuit breakers of sinks are told as they are when metrics are read, and as closed when they have closed', async () => {
  const { recorder, sampler, sinks } = sampling({ lag: async () => [], stores: async () => [] })
  const told = () => [...recorder.families.sinkCircuit.all].map(({ labels, value }) => [labels['node'], labels['table'], value])
  sinks['rows'] = { orders: 'open', customers: 'half-open' }
  await sampler.refresh()
  expect(told()).toEqual([
    ['rows', 'orders', 2],
    ['rows', 'customers', 1],
  ])
  sinks['rows'] = { orders: 'half-open' }
  await sampler.refresh()
  expect(told()).toEqual([
    ['rows', 'orders', 1],
    ['rows', 'customers', 0],
  ])
  sampler.stop()
})

test('what is answered of a task that has gone meanwhile is left out', async () => {
  const { recorder, sampler } = sampling({ lag: async () => [], stores: async () => [size('0_0'), size('0_1')] })
  await sampler.refresh()
  expect(partitionsOf(recorder)).toEqual(['0'])
  expect(sampler.last.stores).toEqual([size('0_0')])
  sampler.stop()
})

test('lag, and what waits, of a partition that was taken away before anything of it was processed is forgotten', async () => {
  const { recorder, sampler } = sampling({ lag: async () => [lagOf(7)], stores: async () => [] })
  await sampler.refresh()
  const { lag, queue, inFlight, batchLimit } = recorder.families
  expect([lag, queue, inFlight, batchLimit].map((family) => [...family.all].length)).toEqual([1, 1, 1, 1])
  recorder.observe({ type: 'revoked', stage: 'source', tasks: ['0_0'] })
  expect([lag, queue, inFlight, batchLimit].map((family) => [...family.all].length)).toEqual([0, 0, 0, 0])
  sampler.stop()
})

test('lag of a topic that is gone is no longer told', async () => {
  let answer = [lagOf(7)]
  const { recorder, sampler } = sampling({ lag: async () => answer, stores: async () => [] })
  await sampler.refresh()
  answer = []
  await sampler.refresh()
  expect([...recorder.families.lag.all]).toEqual([])
  sampler.stop()
})

test('brokers that refuse to tell the lag are there', async () => {
  const lag = () => Promise.reject(new MillraceError('NOT_AUTHORIZED', 'refused', { stage: 'source' }))
  const { sampler, wait, ready } = sampling({ lag, stores: async () => [] })
  await sampler.refresh()
  wait(10_001)
  expect(ready().ready).toBe(true)
  sampler.stop()
})

function lagOf(lag: number): PartitionLag {
  return { task: '0_0', topic: 'in', partition: 0, position: 0, end: lag, lag }
}

test('of tasks that are over nothing waits, and nothing is in flight', async () => {
  const { recorder, sampler, tasks } = sampling({ lag: async () => [], stores: async () => [] })
  const { families } = recorder
  const [task] = tasks.splice(0)
  const pass = { topic: 'in', partition: 0, runningMs: 1, records: 5, batches: 2, retries: 0 }
  tasks.push({ ...(task as TaskHealth), pass, partitions: (task as TaskHealth).partitions.map((one) => ({ ...one, waitingRecords: 7 })) })
  const told = () => [families.inFlight, families.queue].map(({ all }) => [...all].map(({ value }) => value))
  await sampler.refresh()
  expect(told()).toEqual([[2], [7]])
  tasks.length = 0
  await sampler.refresh()
  expect(told()).toEqual([[0], [0]])
  sampler.stop()
})

test('threads are told by their state, and how busy each is by its number, which the one after it has too', async () => {
  const { recorder, sampler, threads } = sampling({ lag: async () => [], stores: async () => [] })
  const { families } = recorder
  const told = () => [...families.threads.all].flatMap(({ labels, value }) => (value === 0 ? [] : [[labels['state'], value]]))
  const thread = { tasks: [], silentMs: 0, replaced: 0 }
  threads.push({ thread: 1, state: 'running', utilization: 0.25, ...thread }, { thread: 2, state: 'died', utilization: 0, ...thread })
  recorder.observe({ type: 'thread', stage: 'process', thread: 2, phase: 'started' })
  expect([...families.threadDeaths.all].map(({ value }) => value)).toEqual([0])
  recorder.observe({ type: 'thread', stage: 'process', thread: 2, phase: 'died', error: new Error('out of memory') })
  await sampler.refresh()
  expect(told()).toEqual([
    ['running', 1],
    ['died', 1],
  ])
  threads[1] = { thread: 2, state: 'running', utilization: 0.75, ...thread, replaced: 1 }
  await sampler.refresh()
  expect(told()).toEqual([['running', 2]])
  expect([...families.threadBusy.all].map(({ labels, value }) => [labels['thread'], value])).toEqual([
    ['1', 0.25],
    ['2', 0.75],
  ])
  expect([...families.threadDeaths.all].map(({ value }) => value)).toEqual([1])
  sampler.stop()
})

test('without threads there are none of their series', async () => {
  const recorder = new Recorder({ application: 'app', compatible: undefined, storesOf: () => [] })
  expect([...recorder.families.threads.all, ...recorder.families.threadBusy.all, ...recorder.families.threadDeaths.all]).toEqual([])
})

test('a restore that ends after its task has gone is none that goes on', async () => {
  const { recorder, sampler } = sampling({ lag: async () => [], stores: async () => [] })
  const restore = { type: 'restore', stage: 'store', store: 'counts', topic: 'changelog', from: 0, to: 9, durationMs: 1 } as const
  for (const partition of [0, 1])
    recorder.observe({ ...restore, task: `0_${partition}`, partition, phase: 'started', restoredRecords: 0, remainingRecords: 9 })
  recorder.observe({ type: 'revoked', stage: 'source', tasks: ['0_1'] })
  recorder.observe({ ...restore, task: '0_1', partition: 1, phase: 'interrupted', restoredRecords: 4, remainingRecords: 5 })
  await sampler.refresh()
  expect([...recorder.families.restoring.all].map(({ labels, value }) => [labels['partition'], value])).toEqual([['0', 9]])
})

test('topics that a pattern has found and that nobody reads any more are forgotten, those of the topology are not', async () => {
  const recorder = new Recorder({
    ...{ application: 'app', compatible: '', storesOf: () => [] },
    places: { topics: ['in'], of: () => [{ stage: 'source', node: 'any' }] },
  })
  const readiness = new Readiness({ stuckAfterMs: 60_000, now: () => 0 })
  const sampler = new Sampler({ recorder, readiness, everyMs: 0, logger: silentLogger })
  const known = () => new Set(recorder.all.flatMap(({ all }) => [...all].flatMap(({ labels }) => labels['topic'] ?? [])))
  const place = { position: 0, waitingRecords: 0, waitingSince: undefined, batchSize: 1, batchTimeoutMs: 5 }
  let state: AppHealth['state'] = 'running'
  let topics: string[] = []
  const health = () => {
    const partitions = topics.map((topic) => ({ topic, partition: 0, ...place }))
    return { state, healthy: true, error: undefined, sinks: {}, tasks: [{ task: '0_0', state: 'running', partitions, circuits: {} }] }
  }
  sampler.attach({ health, inspect: { lag: async () => [], stores: async () => [] } } as unknown as ObservedApp)
  for (let day = 0; day < 20; day++) {
    topics = [`any-${day}`, `any-${day + 1}`]
    state = 'running'
    await sampler.refresh()
    expect(known()).toEqual(new Set(['in', ...topics]))
    const at = { task: '0_0', topic: `any-${day}`, partition: 0 }
    recorder.observe({ type: 'batch', stage: 'source', node: 'any', ...at, records: 1, bytes: 1, trigger: 'age', durationMs: 1 })
    // Taken away, and perhaps on its way back.
    recorder.observe({ type: 'revoked', stage: 'source', tasks: ['0_0'] })
    state = 'rebalancing'
    topics = []
    await sampler.refresh()
    expect(known()).toContain(`any-${day}`)
  }
})

test('sizes of stores are looked up again and again, though brokers never answer', async () => {
  let asked = 0
  const { recorder, sampler } = sampling({
    lag: () => new Promise(() => undefined),
    stores: async () => [{ ...size('0_0'), entries: ++asked }],
  })
  for (let i = 0; i < 3; i++) await sampler.askAgain(1)
  expect([...recorder.families.entries.all].map(({ value }) => value)).toEqual([3])
})
