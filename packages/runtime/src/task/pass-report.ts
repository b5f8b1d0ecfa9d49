import { OutputBudgetExceeded } from '../process/output-budget.ts'
import {
  type BatchTrigger,
  type ColumnBatch,
  type PassEndedEvent,
  type PassStartedEvent,
  type PassTrace,
  TaskClosedError,
} from '@millrace/core'
import { BatchHandedBack } from '../failure/settle-batch.ts'
import type { PartitionQueue } from '../source/partition-queue.ts'
import type { TaskEnvironment } from './task-environment.ts'

/** A pass as it is told of. */
export interface ReportedPass {
  readonly queue: PartitionQueue
  readonly batch: ColumnBatch<unknown, unknown>
  readonly trigger: BatchTrigger
  /** Batches that begin in it. */
  readonly batches: number
  readonly done: number
  readonly givenUp: number
  readonly retries: number
  readonly waitedMs: number
  /** By the monotonic clock. */
  readonly began: number
}

/** Tells the observer of one pass, and whoever follows it. */
export class PassReport {
  readonly #pass: ReportedPass
  readonly #environment: TaskEnvironment
  readonly #started: PassStartedEvent
  /** Who follows it. */
  readonly trace: PassTrace | undefined

  constructor(task: string, pass: ReportedPass, environment: TaskEnvironment) {
    const { queue, batch, trigger, batches } = pass
    const { topic, partition, source } = queue
    this.#pass = pass
    this.#environment = environment
    const started: PassStartedEvent = {
      type: 'pass-started',
      stage: 'process',
      task,
      node: source.name,
      topic,
      partition,
      records: batch.length,
      firstOffset: batch.firstOffset,
      lastOffset: batch.lastOffset,
      batches,
      trigger,
    }
    this.#started = started
    environment.emit?.(started)
    const { tracer } = environment.definition
    this.trace = tracer === undefined ? undefined : this.#dropping(() => tracer.passStarted(started, batch))
  }

  /** It is over after so many milliseconds, waits left out; with what it has thrown, if it has. */
  ended(durationMs: number, thrown?: { readonly error: unknown }): void {
    const { queue, done, givenUp, retries, waitedMs } = this.#pass
    const outcome = thrown === undefined ? 'done' : outcomeOf(thrown.error)
    const { stage, task, node, topic, partition, records, firstOffset, lastOffset, batches, trigger } = this.#started
    // Property by property, since there is one for each pass: spreading takes several times as long.
    const event: PassEndedEvent = {
      type: 'pass-ended',
      stage,
      task,
      node,
      topic,
      partition,
      records,
      firstOffset,
      lastOffset,
      batches,
      trigger,
      outcome,
      done,
      givenUp,
      retries,
      durationMs,
      waitedMs,
      waitingRecords: queue.length,
    }
    this.#tell(outcome === 'failed' ? { ...event, error: thrown?.error } : event)
  }

  #tell(event: PassEndedEvent): void {
    this.#environment.emit?.(event)
    if (this.trace !== undefined) this.#dropping(() => this.trace?.ended(event))
  }

  #dropping<T>(call: () => T): T | undefined {
    try {
      return call()
    } catch (error) {
      this.#environment.logger.warn({ err: error }, 'the tracer threw')
      return undefined
    }
  }
}

function outcomeOf(error: unknown): PassEndedEvent['outcome'] {
  if (error instanceof OutputBudgetExceeded) return 'cut'
  return error instanceof BatchHandedBack || error instanceof TaskClosedError ? 'handed-back' : 'failed'
}
