import { type AppHealth, type FailureEvent, type RuntimeEvent, serdes, type TaskHealth, TopologyBuilder } from '@millrace/core'
import { expect, test } from 'vitest'
import { Recorder } from '../../src/metrics/recorder.ts'
import { LiveView } from '../../src/view/live-view.ts'

const pair = { key: serdes.string, value: serdes.string }

function viewing() {
  const builder = new TopologyBuilder('two')
  builder.source('orders', { topics: ['orders'], ...pair }).sink('copies', { topic: 'copies', ...pair })
  builder.source('any', { topics: [/^any-/], ...pair }).sink('others', { topic: 'others', ...pair })
  const recorder = new Recorder({ application: 'app', compatible: undefined, storesOf: () => ['counts'] })
  const view = new LiveView(builder.build(), { recorder, now: () => 1 })
  const tell = (event: RuntimeEvent) => {
    recorder.observe(event)
    view.observe(event)
  }
  const snapshot = (...tasks: TaskHealth[]) => {
    const health: AppHealth = { state: 'running', healthy: true, error: undefined, tasks, sinks: {} }
    const readiness = { ready: true, state: 'running', problems: [] } as const
    const shown = view.snapshot({ health, readiness, sample: { lag: [], stores: [], at: 0 } })
    return shown as {
      partitions: { topic: string; partition: number; givenUp?: number }[]
      restores: { task: string }[]
      standbys: object[]
    }
  }
  const givenUp = (...tasks: TaskHealth[]) =>
    snapshot(...tasks).partitions.map(({ topic, partition, givenUp: count }) => [topic, partition, count])
  return { recorder, tell, snapshot, givenUp }
}

const position = { position: 0, waitingRecords: 0, waitingSince: undefined, batchSize: 10, batchTimeoutMs: 5 }
const task = (id: string, topic: string, partition: number): TaskHealth => ({
  ...{ task: id, state: 'running', partitions: [{ topic, partition, ...position }], waitingRecords: 0, waitingBytes: 0 },
  ...{ waitsFor: undefined, pass: undefined, uncommittedBytes: 0, circuits: {} },
})
const failure: FailureEvent = {
  ...{ type: 'failure', stage: 'sink', policy: 'skip', node: 'rows', task: 'rows', topic: 'orders', partition: 3, offset: 1 },
  ...{ attempts: 1, error: new Error('no') },
}

test('what a sink outside refuses is given up of its partition, until that goes elsewhere', () => {
  const { recorder, tell, givenUp } = viewing()
  const [orders, any] = [task('0_3', 'orders', 3), task('1_3', 'any-1', 3)]
  recorder.has('0_3', 'orders', 3)
  recorder.has('1_3', 'any-1', 3)
  tell(failure)
  tell({ ...failure, task: '0_3', node: 'copies' })
  tell({ ...failure, task: '1_3', node: 'others', topic: 'any-1' })
  expect(givenUp(orders, any)).toEqual([
    ['orders', 3, 2],
    ['any-1', 3, 1],
  ])
  tell({ type: 'revoked', stage: 'source', tasks: ['0_3'] })
  recorder.has('0_3', 'orders', 3)
  expect(givenUp(orders, any)).toEqual([
    ['orders', 3, 0],
    ['any-1', 3, 1],
  ])
})

test('a restore that ends when its task has gone is not shown', () => {
  const { tell, snapshot } = viewing()
  const restore = { type: 'restore', stage: 'store', store: 'counts', topic: 'c', partition: 3, from: 0, to: 9, durationMs: 1 } as const
  tell({ ...restore, task: '0_3', phase: 'started', restoredRecords: 0, remainingRecords: 9 })
  expect(snapshot(task('0_3', 'orders', 3)).restores).toMatchObject([{ task: '0_3', store: 'counts', phase: 'started' }])
  tell({ type: 'lost', stage: 'source', tasks: ['0_3'] })
  tell({ ...restore, task: '0_3', phase: 'interrupted', restoredRecords: 2, remainingRecords: 7 })
  expect(snapshot(task('1_3', 'any-1', 3)).restores).toEqual([])
})

test('a standby is shown until its task is here, or it ends', () => {
  const { tell, snapshot } = viewing()
  const standby = { type: 'standby', stage: 'store', topic: 'c', partition: 3, position: 2, end: 9, writtenRecords: 2 } as const
  tell({ ...standby, task: '0_3', store: 'counts', phase: 'started', remainingRecords: 7 })
  tell({ ...standby, task: '0_3', store: 'others', phase: 'started', remainingRecords: 7 })
  tell({ ...standby, task: '0_3', store: 'counts', phase: 'caught-up', remainingRecords: 0 })
  tell({ ...standby, task: '1_3', store: 'counts', phase: 'failed', remainingRecords: 7, error: new Error('the disk is full') })
  const shown = { task: '0_3', writtenRecords: 2 }
  const failed = { ...shown, task: '1_3', store: 'counts', phase: 'failed', remainingRecords: 7 }
  expect(snapshot().standbys).toEqual([
    { ...shown, store: 'counts', phase: 'caught-up', remainingRecords: 0 },
    { ...shown, store: 'others', phase: 'started', remainingRecords: 7 },
    failed,
  ])
  tell({ ...standby, task: '0_3', store: 'counts', phase: 'handed-over', remainingRecords: 0 })
  tell({ ...standby, task: '0_3', store: 'others', phase: 'stopped', remainingRecords: 7 })
  expect(snapshot().standbys).toEqual([failed])
})
