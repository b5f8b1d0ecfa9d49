import type { PassEndedEvent, RuntimeEvent } from '@millrace/core'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
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
  expect(await lines()).toContain('millrace_batched_records_total{application="app",topic="in",partition="3"} 3')
})
