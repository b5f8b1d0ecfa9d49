import type { AppState, CircuitState } from '@millrace/core'
import type { Task } from '../task/task.ts'
import type { TaskState } from '../task/task-state.ts'

/** One task of this process. */
export interface TaskHealth {
  /** `<sub-topology>_<partition>`. */
  readonly task: string
  readonly state: TaskState
  readonly partitions: readonly { readonly topic: string; readonly partition: number }[]
  /** Records read and not yet processed. */
  readonly waitingRecords: number
  /** The same in serialised bytes. */
  readonly waitingBytes: number
  /** What it waits for before it goes on: a retry, or a commit that makes room. */
  readonly waitsFor: 'retry' | 'commit' | undefined
  /** Circuit breakers that are not closed, by node. */
  readonly circuits: Readonly<Record<string, CircuitState>>
}

/** How an application is, for a health check or an operator. */
export interface AppHealth {
  readonly state: AppState
  /** It processes, or is about to: false once it has failed or ended, and while a circuit breaker is open. */
  readonly healthy: boolean
  /** Why it failed. */
  readonly error: unknown
  readonly tasks: readonly TaskHealth[]
}

export function healthOf(state: AppState, error: unknown, tasks: readonly Task[]): AppHealth {
  const all = tasks.map(taskHealth)
  const going = state === 'created' || state === 'rebalancing' || state === 'running'
  const healthy = going && error === undefined && all.every(({ circuits }) => !Object.values(circuits).includes('open'))
  return { state, healthy, error, tasks: all }
}

function taskHealth(task: Task): TaskHealth {
  const { id, state, queues, waitsFor, circuits } = task
  return {
    task: id,
    state,
    partitions: queues.map(({ topic, partition }) => ({ topic, partition })),
    waitingRecords: task.waiting,
    waitingBytes: queues.reduce((sum, { bytes }) => sum + bytes, 0),
    waitsFor,
    circuits: Object.fromEntries(circuits),
  }
}
