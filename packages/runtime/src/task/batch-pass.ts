import { type CircuitBreakers, type FailedRecord, MillraceError, type PassTrace, type WriteBatch } from '@millrace/core'
import { type Formed, windowOf } from '../batch/batch-former.ts'
import { OutputBudgetExceeded, outputTooLarge } from '../process/output-budget.ts'
import type { Part, PartDone, Pipeline } from '../process/pipeline.ts'
import { thrownBy } from '../process/processing-error.ts'
import type { Punctuations } from '../process/punctuations.ts'
import type { TaskScope } from '../process/task-scope.ts'
import { mergeSinkOutputs, type PassOutput, type SinkOutput } from '../sink/sink-output.ts'
import type { PartitionQueue } from '../source/partition-queue.ts'
import { UndecodableRecord } from '../source/undecodable-record.ts'
import type { TaskStores } from '../store/task-stores.ts'
import { failureStage } from '../failure/failure-stage.ts'
import { giveUp } from '../failure/give-up.ts'
import { BatchHandedBack, failedAs, ranOf, settleBatch, type SettlingBatch } from '../failure/settle-batch.ts'
import type { TaskEnvironment } from './task-environment.ts'
import { PassReport, type ReportedPass } from './pass-report.ts'
import { type PartOfCut, tellCut } from './task-events.ts'

/** What passes need of their task. */
export interface PassingTask {
  readonly id: string
  readonly pipeline: Pipeline
  readonly breakers: CircuitBreakers | undefined
  readonly stores: TaskStores
  readonly punctuations: Punctuations
  readonly scope: TaskScope
  readonly environment: TaskEnvironment
  /** Resolves to whether the task goes on after so many milliseconds. */
  readonly wait: (delayMs: number) => Promise<boolean>
  /** Whether more than one batch may be processed at once: nothing is to come between them. */
  readonly mayOverlap: () => boolean
  /** The first `records` of a queue are done, with what is to be written of them. */
  readonly onPassed: (queue: PartitionQueue, records: number, output: PassOutput) => void
}

/** The batches that are processed at once, if they are several, and how many of those begin with the pass. */
interface Going {
  readonly window: readonly Formed[] | undefined
  readonly batches: number
}

/** One pass under way. */
interface Pass extends ReportedPass {
  /** Its first records that are done. */
  done: number
  /** Of those, the ones that were skipped or became dead letters. */
  givenUp: number
  retries: number
  /** Of those, serialised. */
  bytes: number
  /** Records that were part of an attempt that failed. */
  failed: number
  /** For retries and circuit breakers. */
  waitedMs: number
  /** After the records that are done. */
  streamTime: number
}

/** Takes batches through the nodes of one task, until each record is done or was given up. */
export class BatchPass {
  readonly #task: PassingTask
  /** The pass under way. */
  current: ReportedPass | undefined
  #rest: { readonly formed: Formed; readonly size: number } | undefined

  constructor(task: PassingTask) {
    this.#task = task
  }

  /** What is left of a batch that gathered too much output: it was cut, and goes on in smaller passes. */
  get rest(): Formed | undefined {
    return this.#rest?.formed
  }

  /** The first `count` records of a queue, or as many as go. Resolves to false if the task ends before they are done: they stay in the queue. */
  async run(formed: Formed): Promise<boolean> {
    const { queue, trigger } = formed
    if (formed.count === 0) return this.#undecodable(queue)
    const going = formed === this.#rest?.formed ? this.#rest : undefined
    this.#rest = undefined
    const window = going === undefined ? this.#window(formed) : undefined
    const total = window === undefined ? formed.count : window.reduce((sum, { count }) => sum + count, 0)
    const size = going?.size ?? total
    const done = await this.#pass(formed, size, { window, batches: going === undefined ? (window?.length ?? 1) : 0 })
    if (done === undefined) return false
    const count = total - done
    // What gathers too much output is run again on half the records, and what follows it is likely to do the same.
    if (count > 0) this.#rest = { formed: { queue, count, trigger }, size: Math.min(count, done === size ? size : (size - done) >> 1) }
    return true
  }

  /** How many of the first `size` records are done: all, or less if they gather too much output; undefined if the task ends. */
  async #pass({ queue, trigger }: Formed, size: number, { window, batches }: Going): Promise<number | undefined> {
    const { id, scope, stores, environment, punctuations } = this.#task
    const { emit, clock, definition } = environment
    const began = clock.monotonic()
    const ageMs = emit === undefined ? 0 : clock.now() - queue.firstArrivedAt
    const batch = queue.peek(size, trigger, scope.streamTime)
    const decodeMs = emit === undefined ? 0 : clock.monotonic() - began
    const cuts = emit === undefined || window === undefined ? undefined : cutsOf(window)
    const none = { done: 0, givenUp: 0, retries: 0, bytes: 0, failed: 0, waitedMs: 0 }
    const pass: Pass = { queue, batch, trigger, batches, began, ...none, streamTime: scope.streamTime }
    this.current = pass
    const report = emit === undefined && definition.tracer === undefined ? undefined : new PassReport(id, pass, environment)
    const { scheduled } = punctuations
    stores.begin()
    try {
      const process = () => this.#process(pass, window, report?.trace)
      const processed = report?.trace?.within === undefined ? process() : report.trace.within(process)
      // While the processor waits for something, the next batch is made ready.
      queue.decodeAhead(2 * size)
      const output = await processed
      scope.guard()
      stores.succeed()
      const durationMs = clock.monotonic() - began - pass.waitedMs
      this.#passed(pass, size, output)
      const pushedBack = environment.output().full
      queue.sizer.finished({ records: size, batches: window?.length, durationMs, failed: pass.failed, pushedBack, waiting: queue.length })
      report?.ended(durationMs)
    } catch (caught) {
      stores.rollback()
      punctuations.restore(scheduled)
      const tooLarge = caught instanceof OutputBudgetExceeded && size - pass.done === 1
      const error: unknown = tooLarge ? outputTooLarge(queue, batch.offset(pass.done)) : caught
      report?.ended(clock.monotonic() - began - pass.waitedMs, { error })
      if (error instanceof BatchHandedBack) return undefined
      if (!(error instanceof OutputBudgetExceeded)) throw error
      return pass.done
    } finally {
      scope.streamTime = pass.streamTime
      this.current = undefined
    }
    if (emit !== undefined) tellCut(emit, { task: id, node: queue.source.name, batch, bytes: pass.bytes, ageMs, decodeMs, cuts })
    return size
  }

  /** Resolves to what is to be written of the batch, or of what was not committed of it before. */
  async #process(pass: Pass, window: readonly Formed[] | undefined, trace: PassTrace | undefined): Promise<PassOutput> {
    const { pipeline, breakers, environment, punctuations } = this.#task
    const { queue, batch } = pass
    const keep = environment.definition.failure.acknowledgement === 'best-effort'
    const single = queue.policy.size === 1
    const part: Part = {
      source: queue.source.name,
      batch,
      rows: undefined,
      single,
      keep,
      ends: window === undefined ? undefined : endsOf(window),
      trace,
    }
    const careful = environment.careful.covers(queue)
    if (breakers !== undefined || careful) return settleBatch(this.#settling(pass, part, careful))
    // Most batches are done at once, and need no more than this.
    const { scheduled } = punctuations
    let done: PartDone
    try {
      done = await pipeline.run(part)
    } catch (error) {
      const settling = this.#settling(pass, part, false)
      return settleBatch(settling, failedAs(settling, error, scheduled))
    }
    if (done.failed.length === 0) return mergeSinkOutputs(done.outputs)
    const settling = this.#settling(pass, part, false)
    return settleBatch(settling, ranOf(settling, done, true))
  }

  /** The records before row `to` are done. */
  #passed(pass: Pass, to: number, output: PassOutput): void {
    const { queue, batch } = pass
    const records = to - pass.done
    pass.done = to
    pass.streamTime = batch.streamTime(to - 1)
    // More may have arrived since the batch was cut: what is counted is what leaves the queue.
    const before = queue.bytes
    this.#task.onPassed(queue, records, output)
    pass.bytes += before - queue.bytes
  }

  #settling(pass: Pass, part: Part, careful: boolean): SettlingBatch {
    const { pipeline, stores, scope, breakers, punctuations, environment } = this.#task
    const { definition, requestCommit } = environment
    const { queue, batch } = pass
    return {
      part,
      failure: definition.failure,
      maxRetries: queue.policy.maxRetries,
      pipeline,
      stores,
      punctuations,
      breakers,
      deliver: careful ? (writes) => this.#deliver(writes) : undefined,
      guard: scope.guard,
      aborted: () => scope.signal.aborted,
      wait: (delayMs) => this.#wait(pass, delayMs),
      onRetry: (retry, delayMs, error) => {
        pass.retries++
        this.#tellRetry(queue, { retry, delayMs, error, records: batch.length - pass.done })
      },
      giveUp: async (row, error, attempts) => {
        const output = await this.#giveUp(queue, row, { ...queue.raw(row - pass.done), error, attempts, ...placeIn(part, row) })
        pass.givenUp++
        return output
      },
      onFailed: (records) => {
        pass.failed = records
      },
      commitPrefix: (next, output) => {
        // What the queue hands back when its records are dropped is needed for those that are left.
        void batch.keys
        void batch.values
        this.#passed(pass, next, output)
        requestCommit()
      },
    }
  }

  async #wait(pass: Pass, delayMs: number): Promise<boolean> {
    const { clock } = this.#task.environment
    const from = clock.monotonic()
    const goesOn = await this.#task.wait(delayMs)
    pass.waitedMs += clock.monotonic() - from
    return goesOn
  }

  /** The batches to be processed at once, the one that was formed first; undefined: that one alone. */
  #window(formed: Formed): Formed[] | undefined {
    const { pipeline, environment, mayOverlap } = this.#task
    const { maxInFlightBatches } = environment.definition.concurrency
    if (maxInFlightBatches === 1 || !pipeline.overlaps(formed.queue.source.name) || !mayOverlap()) return undefined
    const window = windowOf(formed, maxInFlightBatches)
    return window.length === 1 ? undefined : window
  }

  async #deliver(writes: readonly WriteBatch[]): Promise<boolean> {
    const { scope, environment } = this.#task
    const delivered = await environment.careful.deliver(writes)
    scope.guard()
    return delivered
  }

  /** The first record can't be decoded: it is set apart at once, and costs no other anything. */
  async #undecodable(queue: PartitionQueue): Promise<boolean> {
    const error = queue.firstFailure()
    const careful = this.#task.environment.careful.covers(queue)
    const output = await this.#giveUp(queue, 0, { ...queue.raw(0), error, attempts: 1, batchSize: 1, index: 0 })
    this.#task.scope.guard()
    const written = careful && output !== undefined && (await this.#deliver([output.write]))
    this.#task.onPassed(queue, 1, mergeSinkOutputs(output === undefined || written ? [] : [output]))
    return true
  }

  #giveUp(
    { topic, partition, source }: PartitionQueue,
    row: number,
    record: Omit<FailedRecord, 'stage' | 'part' | 'node' | 'topic' | 'partition'>,
  ): Promise<SinkOutput | undefined> {
    const { id, environment } = this.#task
    const { definition, directory, logger, emit } = environment
    const stage = failureStage(record.error) ?? 'process'
    const { node: own, topic: of } = record.error instanceof MillraceError ? record.error : ({} as Partial<MillraceError>)
    const node = own ?? (stage === 'produce' ? this.#task.pipeline.sinkOf(of) : undefined) ?? source.name
    const options = { row, failure: definition.failure, applicationId: definition.applicationId, task: id, directory, logger, emit }
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

function cutsOf(window: readonly Formed[]): PartOfCut[] {
  let skip = 0
  return window.map(({ queue, count, trigger }) => {
    const bytes = queue.bytesOf(count, skip)
    skip += count
    return { records: count, trigger, bytes }
  })
}

/** Where each of several batches ends, one after the other. */
function endsOf(window: readonly Formed[]): number[] {
  let end = 0
  return window.map(({ count }) => (end += count))
}

function partOf(error: unknown): Pick<FailedRecord, 'part'> {
  return error instanceof UndecodableRecord && error.part !== 'timestamp' ? { part: error.part } : {}
}

/** The size of the batch that a record is in, and its index there: of several that are processed at once, its own. */
function placeIn({ batch, ends = [batch.length] }: Part, row: number): { readonly batchSize: number; readonly index: number } {
  const at = ends.findIndex((end) => row < end)
  const begin = at === 0 ? 0 : (ends[at - 1] as number)
  return { batchSize: (ends[at] as number) - begin, index: row - begin }
}
