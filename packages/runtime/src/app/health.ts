import type { AppHealth, AppState, PartitionHealth, PassHealth, TaskHealth } from '@millrace/core'
import type { PartitionQueue } from '../source/partition-queue.ts'
import type { ReportedPass } from '../task/pass-report.ts'
import type { Task } from '../task/task.ts'

interface Looked extends Pick<AppHealth, 'error' | 'sinks'> {
  readonly state: AppState
  /** Of the monotonic clock. */
  readonly now: number
}

export function healthOf({ state, error, sinks, now }: Looked, tasks: readonly Task[]): AppHealth {
  const all = tasks.map((task) => taskHealth(task, now))
  const going = state === 'created' || state === 'rebalancing' || state === 'running'
  const circuits = [...all.map((task) => task.circuits), ...Object.values(sinks)]
  const healthy = going && error === undefined && circuits.every((one) => !Object.values(one).includes('open'))
  return { state, healthy, error, tasks: all, sinks }
}

function partitionHealth(queue: PartitionQueue): PartitionHealth {
  const { topic, partition, nextOffset, length, sizer } = queue
  return {
    topic,
    partition,
    position: nextOffset,
    waitingRecords: length,
    waitingSince: length === 0 ? undefined : queue.firstArrivedAt,
    batchSize: sizer.limits.size,
    batchTimeoutMs: sizer.limits.timeoutMs,
  }
}

function taskHealth(task: Task, now: number): TaskHealth {
  const { id, state, queues, waitsFor, circuits, pass } = task
  return {
    task: id,
    state,
    partitions: queues.map(partitionHealth),
    waitingRecords: task.waiting,
    waitingBytes: queues.reduce((sum, { bytes }) => sum + bytes, 0),
    waitsFor,
    pass: pass && passHealth(pass, now),
    uncommittedBytes: task.stores.uncommittedBytes,
    circuits: Object.fromEntries(circuits),
  }
}

function passHealth({ queue, batch, batches, retries, began, waitedMs }: ReportedPass, now: number): PassHealth {
  const { topic, partition } = queue
  return { topic, partition, runningMs: now - began - waitedMs, records: batch.length, batches, retries }
}
