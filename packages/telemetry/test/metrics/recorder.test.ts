import { type PassEndedEvent, type RuntimeEvent, serdes, TopologyBuilder } from '@millrace/core'
import { type OpenMetricsContentType, Registry } from 'prom-client'
import { expect, onTestFinished, test, vi } from 'vitest'
import { failurePlaces } from '../../src/metrics/failure-places.ts'
import { Family } from '../../src/metrics/family.ts'
import { Recorder } from '../../src/metrics/recorder.ts'
import { register } from '../../src/metrics/prometheus.ts'

const at = { task: '0_3', topic: 'in', partition: 3 }
const pass: PassEndedEvent = {
  type: 'pass-ended',
  stage: 'process',
  node: 'source',
  ...at,
  records: 5,
  firstOffset: 0,
  lastOffset: 4,
  batches: 2,
  trigger: 'records',
  outcome: 'done',
  done: 5,
  givenUp: 1,
  retries: 0,
  durationMs: 20,
  waitedMs: 500,
  waitingRecords: 0,
}
const cut: RuntimeEvent = { type: 'cut', stage: 'batch', ...at, records: 3, bytes: 90, trigger: 'records', ageMs: 40 }

function recording(compatible?: string) {
  const recorder = new Recorder({ application: 'app', compatible, storesOf: () => ['counts'] })
  const registry = new Registry()
  register(recorder.all, registry)
  return { recorder, registry, lines: async () => (await registry.metrics()).split('\n').filter((line) => !line.startsWith('#')) }
}

test('passes and batches are counted apart', async () => {
  const { recorder, lines } = recording()
  for (const event of [pass, cut, cut]) recorder.observe(event)
  expect(await lines()).toEqual(
    expect.arrayContaining([
      'millrace_passes_total{application="app",topic="in",partition="3",outcome="done"} 1',
      'millrace_batches_total{application="app",topic="in",partition="3",trigger="records"} 2',
      'millrace_batched_records_total{application="app",topic="in",partition="3"} 6',
      'millrace_pass_wait_seconds_total{application="app",topic="in",partition="3"} 0.5',
      'millrace_pass_seconds_bucket{application="app",topic="in",le="0.025"} 1',
      'millrace_pass_seconds_bucket{application="app",topic="in",le="0.01"} 0',
      'millrace_batch_fill_seconds_sum{application="app",topic="in"} 0.08',
    ]),
  )
})

test('what concerns a partition that was taken away is forgotten, and a pass that ends late does not bring it back', async () => {
  const { recorder, lines } = recording('')
  const other = { ...cut, task: '0_1', partition: 1 } as const
  const restore = { type: 'restore', stage: 'store', store: 'counts', phase: 'progress', from: 0, to: 9, durationMs: 1 } as const
  for (const event of [pass, cut, other, { ...restore, ...at, restoredRecords: 4, remainingRecords: 5 }]) recorder.observe(event)
  expect((await lines()).filter((line) => line.includes('partition="3"')).length).toBeGreaterThan(5)
  recorder.observe({ type: 'revoked', stage: 'source', tasks: ['0_3'] })
  recorder.observe({ ...pass, outcome: 'handed-back' })
  const left = await lines()
  expect(left.filter((line) => line.includes('partition="3"'))).toEqual([])
  expect(left.filter((line) => line.includes('partition="1"')).length).toBeGreaterThan(1)
  expect(left).toContain('millrace_assignments_total{application="app",change="revoked"} 1')
})

test('however many tasks are taken away at once, series are gone through once', () => {
  const removing = vi.spyOn(Family.prototype, 'removeWhere')
  onTestFinished(() => removing.mockRestore())
  const walks = (count: number) => {
    const { recorder } = recording('')
    const tasks = Array.from({ length: count }, (_, partition) => `0_${partition}`)
    for (const [partition, task] of tasks.entries()) recorder.has(task, 'in', partition)
    removing.mockClear()
    recorder.observe({ type: 'revoked', stage: 'source', tasks })
    expect([...recorder.families.retries.all]).toEqual([])
    return removing.mock.calls.length
  }
  expect(walks(50)).toBe(walks(1))
})

test('the compatible names have their prefix, their kinds and a status', async () => {
  const { recorder, registry, lines } = recording('orders.')
  const failure = {
    type: 'failure',
    stage: 'process',
    policy: 'dead-letter',
    node: 'n',
    ...at,
    offset: 1,
    attempts: 1,
    error: 'x',
  } as const
  for (const event of [pass, cut, failure, { ...pass, outcome: 'failed', givenUp: 0, done: 0 } as const]) recorder.observe(event)
  expect(await lines()).toEqual(
    expect.arrayContaining([
      'orders_kafka_consumer_batch_processed_count{application="app",topic="in",status="partial"} 2',
      'orders_kafka_consumer_batch_processed_count{application="app",topic="in",status="failed"} 2',
      'orders_messages_processed_count{application="app",topic="in",status="success"} 4',
      'orders_messages_processed_count{application="app",topic="in",status="failed"} 1',
      'orders_dead_letter_sent_count{application="app",topic="in"} 1',
      'orders_batch_size_count{application="app",topic="in"} 1',
    ]),
  )
  const kinds = Object.fromEntries((await registry.getMetricsAsJSON()).map(({ name, type }) => [name, String(type)]))
  expect(kinds).toMatchObject({
    orders_kafka_consumer_batch_processed_count: 'counter',
    orders_batch_processing_duration: 'histogram',
    orders_batch_queue_depth: 'gauge',
  })
})

test('failures are counted from 0 as soon as there is a partition, under every name', async () => {
  const { recorder, lines } = recording('')
  recorder.has('0_3', 'in', 3)
  expect(await lines()).toEqual(
    expect.arrayContaining([
      'millrace_passes_total{application="app",topic="in",partition="3",outcome="failed"} 0',
      'kafka_consumer_batch_processed_count{application="app",topic="in",status="failed"} 0',
      'kafka_consumer_batch_processed_count{application="app",topic="in",status="partial"} 0',
      'messages_processed_count{application="app",topic="in",status="failed"} 0',
    ]),
  )
})

test('a registry of OpenMetrics has its names, however often it is read, and none is left in it', async () => {
  const recorder = new Recorder({ application: 'app', compatible: '', storesOf: () => [] })
  const registry = new Registry<OpenMetricsContentType>()
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
  const unregister = register(recorder.all, registry)
  for (const event of [pass, cut]) recorder.observe(event)
  await registry.metrics()
  expect((await registry.metrics()).split('\n')).toEqual(
    expect.arrayContaining([
      '# TYPE millrace_batched_records counter',
      'millrace_batched_records_total{application="app",topic="in",partition="3"} 3',
      'messages_processed_count_total{application="app",topic="in",status="success"} 4',
      'millrace_pass_seconds_count{application="app",topic="in"} 1',
      '# EOF',
    ]),
  )
  unregister()
  expect(await registry.metrics()).toBe('\n# EOF\n')
})

test('what a pass had done before it was cut or handed back is processed all the same', async () => {
  const { recorder, lines } = recording('')
  for (const event of [
    { ...pass, outcome: 'cut', done: 3, givenUp: 1 },
    pass,
    { ...pass, outcome: 'handed-back', done: 2, givenUp: 0 },
  ] as const)
    recorder.observe(event)
  expect(await lines()).toEqual(
    expect.arrayContaining([
      'messages_processed_count{application="app",topic="in",status="success"} 8',
      'messages_processed_count{application="app",topic="in",status="failed"} 2',
      'kafka_consumer_batch_processed_count{application="app",topic="in",status="partial"} 2',
    ]),
  )
})

test('applications of one registry are told apart by their label, and each takes its own out', async () => {
  const registry = new Registry()
  const both = ['one', 'two'].map((application) => {
    const recorder = new Recorder({ application, compatible: undefined, storesOf: () => [] })
    recorder.observe(cut)
    return register(recorder.all, registry)
  })
  const counted = async () => (await registry.metrics()).split('\n').filter((line) => line.startsWith('millrace_batched_records_total{'))
  expect(await counted()).toEqual(
    ['one', 'two'].map((one) => `millrace_batched_records_total{application="${one}",topic="in",partition="3"} 3`),
  )
  both[0]?.()
  expect(await counted()).toHaveLength(1)
  both[1]?.()
  expect(await registry.metrics()).toBe('\n')
})

test('a recovery keeps what was counted, and knows nothing of the circuits there were', async () => {
  const { recorder, lines } = recording()
  recorder.observe(cut)
  recorder.observe({ type: 'circuit', stage: 'process', task: '0_3', node: 'call', from: 'closed', to: 'open' })
  expect(await lines()).toContain('millrace_circuit_state{application="app",node="call",task="0_3"} 2')
  recorder.observe({ type: 'recover', stage: 'commit', tasks: ['0_3'], error: new Error('lost') })
  expect((await lines()).filter((line) => line.includes('circuit'))).toEqual([])
  recorder.observe({ type: 'circuit', stage: 'process', task: '0_3', node: 'call', from: 'closed', to: 'open' })
  recorder.observe({ type: 'state', stage: 'source', from: 'pending-error', to: 'error' })
  expect((await lines()).filter((line) => line.includes('circuit'))).toEqual([])
  expect(await lines()).toContain('millrace_batched_records_total{application="app",topic="in",partition="3"} 3')
})

test('where records may fail is 0 before any has, so that the first is an increase', async () => {
  const builder = new TopologyBuilder('orders')
  const pair = { key: serdes.string, value: serdes.string }
  const checked = builder.source('orders', { topics: ['orders'], ...pair }).filter('large', () => true)
  checked.repartition('by-customer', pair).sink('totals', { topic: 'totals', ...pair })
  builder.source('any', { topics: [/^any-/], ...pair }).sink('copies', { topic: 'copies', ...pair })
  const recorder = new Recorder({
    application: 'app',
    compatible: '',
    storesOf: () => [],
    places: failurePlaces(builder.build(), 'app'),
  })
  const places = () =>
    [...recorder.families.deadLettered.all].map(({ labels: { stage, node, topic }, value }) => [stage, node, topic, value])
  const repartition = 'app-by-customer-repartition'
  const before = [
    ['source', 'orders', 'orders', 0],
    ['process', 'large', 'orders', 0],
    ['sink', 'by-customer-sink', 'orders', 0],
    ['source', 'by-customer', repartition, 0],
    ['sink', 'totals', repartition, 0],
  ]
  expect(places()).toEqual(before)
  const letters = () => [...(recorder.compatible?.deadLetters.all ?? [])].map(({ labels, value }) => [labels['topic'], value])
  expect(letters()).toEqual([
    ['orders', 0],
    [repartition, 0],
  ])
  // Of a topic that a pattern has found, as soon as there is a task that reads it.
  recorder.has('2_0', 'any-1', 0)
  expect(places().slice(5)).toEqual([
    ['source', 'any', 'any-1', 0],
    ['sink', 'copies', 'any-1', 0],
  ])
  const failure = { type: 'failure', policy: 'dead-letter', ...at, topic: 'orders', offset: 1, attempts: 1, error: 'x' } as const
  recorder.observe({ ...failure, stage: 'process', node: 'large' })
  recorder.observe({ ...failure, stage: 'sink', node: 'totals', topic: repartition })
  expect(places().length).toBe(7)
  expect(places().filter(([, , , value]) => value === 1).length).toBe(2)
})

test('however many tasks come and go and records fail, there are as many series as at first', async () => {
  const { recorder, lines } = recording('')
  const tasks = Array.from({ length: 50 }, (_, partition) => ({ task: `0_${partition}`, topic: 'in', partition }))
  const round = (number: number) => {
    recorder.observe({ type: 'assigned', stage: 'source', tasks: tasks.map(({ task }) => task) })
    for (const own of tasks) {
      recorder.has(own.task, own.topic, own.partition)
      recorder.families.lag.of('app', own.topic, String(own.partition)).set(number)
      recorder.observe({ type: 'restore', stage: 'store', store: 'counts', ...own, ...restored })
      recorder.observe({ ...cut, ...own })
      recorder.observe({ type: 'batch', stage: 'process', node: 'count', ...own, ...one })
      for (let offset = 0; offset < 20; offset++) {
        const error = new Error(`what record ${number}/${offset} says`)
        recorder.observe({ type: 'failure', stage: 'process', policy: 'skip', node: 'count', ...own, offset, attempts: 1, error })
      }
      recorder.observe({ type: 'circuit', stage: 'process', node: 'count', task: own.task, from: 'closed', to: 'open' })
      recorder.observe({ ...pass, ...own })
    }
  }
  const one = { records: 1, bytes: 1, trigger: 'age', durationMs: 1 } as const
  const restored = { phase: 'completed', from: 0, to: 9, restoredRecords: 9, remainingRecords: 0, durationMs: 1 } as const
  round(0)
  const first = (await lines()).length
  for (let number = 1; number < 5; number++) {
    recorder.observe({ type: number % 2 === 0 ? 'lost' : 'revoked', stage: 'source', tasks: tasks.map(({ task }) => task) })
    round(number)
    expect((await lines()).length).toBeLessThanOrEqual(first + 2)
  }
  // Nothing that records hold names a series.
  expect((await lines()).filter((line) => line.includes('what record'))).toEqual([])
  recorder.observe({ type: 'revoked', stage: 'source', tasks: tasks.map(({ task }) => task) })
  expect((await lines()).filter((line) => /partition="|task="/.test(line))).toEqual([])
})
