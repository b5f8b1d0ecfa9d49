import type { ColumnBatch, FailedRecord } from '@millrace/core'
import type { Formed } from '../batch/batch-former.ts'
import { OutputBudgetExceeded, outputTooLarge } from '../process/output-budget.ts'
import type { CircuitBreakers } from '../process/circuit-breakers.ts'
import type { Pipeline } from '../process/pipeline.ts'
import { thrownBy } from '../process/processing-error.ts'
import type { TaskScope } from '../process/task-scope.ts'
import { mergeSinkOutputs, type PassOutput, type SinkOutput } from '../sink/sink-output.ts'
import type { PartitionQueue } from '../source/partition-queue.ts'
import { UndecodableRecord } from '../source/undecodable-record.ts'
import type { TaskStores } from '../store/task-stores.ts'
import { failureStage } from '../failure/failure-stage.ts'
import { giveUp } from '../failure/give-up.ts'
import { BatchHandedBack, settleBatch } from '../failure/settle-batch.ts'
import type { TaskEnvironment } from './task-environment.ts'
import { tellCut } from './task-events.ts'

/** What passes need of their task. */
export interface PassingTask {
  readonly id: string
  readonly pipeline: Pipeline
  readonly breakers: CircuitBreakers | undefined
  readonly stores: TaskStores
  readonly scope: TaskScope
  readonly environment: TaskEnvironment
  /** Resolves to whether the task goes on after so many milliseconds. */
  readonly wait: (delayMs: number) => Promise<boolean>
  /** The first `records` of a queue are done, with what is to be written of them. */
  readonly onPassed: (queue: PartitionQueue, records: number, output: PassOutput) => void
}

type Batch = ColumnBatch<unknown, unknown>

/** How far a batch is. */
interface Progress {
  /** Its first records that are done. */
  readonly done: () => number
  /** Those before `to` are done now. */
  readonly pass: (to: number, output: PassOutput) => void
  readonly onGaveUp: () => void
}

/** Takes batches through the nodes of one task, until each record is done or was given up. */
export class BatchPass {
  readonly #task: PassingTask

  constructor(task: PassingTask) {
    this.#task = task
  }

  /** The first `count` records of a queue. Resolves to false if the task ends before they are done: what is left is in the queue. */
  async run({ queue, count, trigger }: Formed): Promise<boolean> {
    if (count === 0) return this.#undecodable(queue)
    const { id, scope, stores, environment } = this.#task
    const { emit, clock } = environment
    let left = count
    while (left > 0) {
      const began = clock.monotonic()
      let streamTime = scope.streamTime
      const batch = queue.peek(left, trigger, streamTime)
      const cut =
        emit === undefined
          ? undefined
          : { ageMs: clock.now() - queue.firstArrivedAt, decodeMs: clock.monotonic() - began, bytes: queue.bytes }
      let done = 0
      let failed = 0
      const pass = (to: number, output: PassOutput): void => {
        const records = to - done
        done = to
        streamTime = batch.streamTime(to - 1)
        this.#task.onPassed(queue, records, output)
      }
      stores.begin()
      try {
        const settled = this.#settle(queue, batch, { done: () => done, pass, onGaveUp: () => failed++ })
        // While the processor waits for something, the next batch is made ready.
        queue.decodeAhead(2 * left)
        const output = await settled
        scope.guard()
        stores.succeed()
        const endedAt = clock.monotonic()
        pass(left, output)
        const pushedBack = environment.output().full
        queue.sizer.finished({ records: left, durationMs: endedAt - began, failed, pushedBack, endedAt, waiting: queue.length })
        left = 0
      } catch (error) {
        stores.rollback()
        if (error instanceof BatchHandedBack) return false
        if (!(error instanceof OutputBudgetExceeded)) throw error
        left -= done
        if (left === 1) throw outputTooLarge(queue, batch.offset(done))
        left = left >> 1
        continue
      } finally {
        scope.streamTime = streamTime
      }
      if (cut !== undefined) tellCut(emit, { ...cut, task: id, node: queue.source.name, batch, bytes: cut.bytes - queue.bytes })
    }
    return true
  }

  #settle(queue: PartitionQueue, batch: Batch, so: Progress) {
    const { pipeline, stores, scope, breakers, environment, wait } = this.#task
    const { definition, requestCommit } = environment
    return settleBatch({
      part: { source: queue.source.name, batch, single: queue.policy.size === 1 },
      failure: definition.failure,
      maxRetries: queue.policy.maxRetries,
      pipeline,
      stores,
      breakers,
      wait,
      aborted: () => scope.signal.aborted,
      onRetry: (retry, delayMs, error) => this.#tellRetry(queue, { retry, delayMs, error, records: batch.length - so.done() }),
      giveUp: (row, error, attempts) => {
        so.onGaveUp()
        const raw = queue.raw(row - so.done())
        return this.#giveUp(queue, { ...raw, error, attempts, batchSize: batch.length, index: row })
      },
      commitPrefix: (next, output) => {
        // What the queue hands back when its records are dropped is needed for those that are left.
        void batch.keys
        void batch.values
        so.pass(next, output)
        requestCommit()
      },
    })
  }

  /** The first record can't be decoded: it is set apart at once, and costs no other anything. */
  async #undecodable(queue: PartitionQueue): Promise<boolean> {
    const error = queue.firstFailure()
    const output = await this.#giveUp(queue, { ...queue.raw(0), error, attempts: 1, batchSize: 1, index: 0 })
    this.#task.scope.guard()
    this.#task.onPassed(queue, 1, mergeSinkOutputs(output === undefined ? [] : [output]))
    return true
  }

  #giveUp(
    { topic, partition, source }: PartitionQueue,
    record: Omit<FailedRecord, 'stage' | 'part' | 'node' | 'topic' | 'partition'>,
  ): Promise<SinkOutput | undefined> {
    const { id, environment } = this.#task
    const { definition, directory, logger, emit } = environment
    const stage = failureStage(record.error) ?? 'process'
    const node = (record.error as { readonly node?: string | undefined } | undefined)?.node ?? source.name
    const options = { failure: definition.failure, applicationId: definition.applicationId, task: id, directory, logger, emit }
    const failed = { ...record, ...partOf(record.error), error: thrownBy(record.error), stage, node, topic, partition }
    return giveUp(failed, record.error, options)
  }

  #tellRetry({ topic, partition }: PartitionQueue, about: { retry: number; delayMs: number; error: unknown; records: number }): void {
    const { id, environment } = this.#task
    const { error, ...what } = about
    environment.logger.warn({ task: id, topic, partition, ...what, err: error }, 'a batch failed and is tried again')
    environment.emit?.({ type: 'retry', stage: 'process', task: id, topic, partition, ...about })
  }
}

function partOf(error: unknown): Pick<FailedRecord, 'part'> {
  return error instanceof UndecodableRecord && error.part !== 'timestamp' ? { part: error.part } : {}
}
