import { type ColumnBatch, type FailedRecord, MillraceError, type WriteBatch } from '@millrace/core'
import { type Formed, windowOf } from '../batch/batch-former.ts'
import { OutputBudgetExceeded, outputTooLarge } from '../process/output-budget.ts'
import type { CircuitBreakers } from '../process/circuit-breakers.ts'
import type { Pipeline } from '../process/pipeline.ts'
import { thrownBy } from '../process/processing-error.ts'
import type { TaskScope } from '../process/task-scope.ts'
import { mergeSinkOutputs, type PassOutput, type SinkOutput } from '../sink/sink-output.ts'
import type { PartitionQueue } from '../source/partition-queue.ts'
import type { TaskStores } from '../store/task-stores.ts'
import { failureStage } from '../failure/failure-stage.ts'
import { giveUp } from '../failure/give-up.ts'
import { BatchHandedBack, settleBatch } from '../failure/settle-batch.ts'
import type { TaskEnvironment } from './task-environment.ts'
import { type PartOfCut, tellCut } from './task-events.ts'

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
  /** Whether more than one batch may be processed at once: nothing is to come between them. */
  readonly mayOverlap: () => boolean
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
    const window = this.#window({ queue, count, trigger })
    const ends = endsOf(window)
    const whole = ends.at(-1) as number
    const cuts = emit === undefined ? [] : cutsOf(window, ends)
    let left = whole
    while (left > 0) {
      const began = clock.monotonic()
      let streamTime = scope.streamTime
      const batch = queue.peek(left, trigger, streamTime)
      const cut = emit === undefined ? undefined : { ageMs: clock.now() - queue.firstArrivedAt, decodeMs: clock.monotonic() - began }
      let done = 0
      let bytes = 0
      let failed = 0
      const pass = (to: number, output: PassOutput): void => {
        const records = to - done
        done = to
        streamTime = batch.streamTime(to - 1)
        // More may have arrived since the batch was cut: what is counted is what leaves the queue.
        const before = queue.bytes
        this.#task.onPassed(queue, records, output)
        bytes += before - queue.bytes
      }
      stores.begin()
      try {
        const settled = this.#settle(queue, batch, { done: () => done, pass, onGaveUp: () => failed++ }, left === whole ? ends : undefined)
        // While the processor waits for something, the next batches are made ready.
        queue.decodeAhead(left + count)
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
      if (cut !== undefined)
        tellCut(emit, { ...cut, task: id, node: queue.source.name, batch, bytes, cuts: batch.length === whole ? cuts : undefined })
    }
    return true
  }

  #settle(queue: PartitionQueue, batch: Batch, so: Progress, ends: readonly number[] | undefined) {
    const { pipeline, stores, scope, breakers, environment, wait } = this.#task
    const { definition, requestCommit } = environment
    return settleBatch({
      part: {
        source: queue.source.name,
        batch,
        single: queue.policy.size === 1,
        ends: ends === undefined || ends.length === 1 ? undefined : ends,
      },
      failure: definition.failure,
      maxRetries: queue.policy.maxRetries,
      pipeline,
      stores,
      breakers,
      deliver: environment.careful.covers(queue) ? (writes) => this.#deliver(writes) : undefined,
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

  /** The batches to be processed at once, the one that was formed first. */
  #window(formed: Formed): Formed[] {
    const { pipeline, environment, mayOverlap } = this.#task
    const { maxInFlightBatches } = environment.definition.concurrency
    if (maxInFlightBatches === 1 || !pipeline.overlaps(formed.queue.source.name) || !mayOverlap()) return [formed]
    return windowOf(formed, maxInFlightBatches)
  }

  async #deliver(writes: readonly WriteBatch[]): Promise<void> {
    const { scope, environment } = this.#task
    await environment.careful.deliver(writes)
    scope.guard()
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
    record: Omit<FailedRecord, 'stage' | 'node' | 'topic' | 'partition'>,
  ): Promise<SinkOutput | undefined> {
    const { id, environment } = this.#task
    const { definition, directory, logger, emit } = environment
    const stage = failureStage(record.error) ?? 'process'
    const { node: own, topic: of } = record.error instanceof MillraceError ? record.error : ({} as Partial<MillraceError>)
    const node = own ?? (stage === 'produce' ? this.#task.pipeline.sinkOf(of) : undefined) ?? source.name
    const options = { failure: definition.failure, applicationId: definition.applicationId, task: id, directory, logger, emit }
    return giveUp({ ...record, error: thrownBy(record.error), stage, node, topic, partition }, record.error, options)
  }

  #tellRetry({ topic, partition }: PartitionQueue, about: { retry: number; delayMs: number; error: unknown; records: number }): void {
    const { id, environment } = this.#task
    const { error, ...what } = about
    environment.logger.warn({ task: id, topic, partition, ...what, err: error }, 'a batch failed and is tried again')
    environment.emit?.({ type: 'retry', stage: 'process', task: id, topic, partition, ...about })
  }
}

function cutsOf(window: readonly Formed[], ends: readonly number[]): PartOfCut[] {
  return window.map(({ queue, count, trigger }, i) => ({
    records: count,
    trigger,
    bytes: queue.bytesOf(count, (ends[i] as number) - count),
  }))
}

/** Where each of several batches ends, one after the other. */
function endsOf(window: readonly Formed[]): number[] {
  let end = 0
  return window.map(({ count }) => (end += count))
}
