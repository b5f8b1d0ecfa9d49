import {
  type CircuitBreakers,
  followSettling,
  type PartResult,
  type ResolvedFailureOptions,
  retryDelay,
  type WriteBatch,
} from '@millrace/core'
import type { Part, PartDone, Pipeline } from '../process/pipeline.ts'
import { RecordsFailed, thrownBy } from '../process/processing-error.ts'
import type { Punctuations } from '../process/punctuations.ts'
import { mergeSinkOutputs, type NodeOutput, type PassOutput, type SinkOutput } from '../sink/sink-output.ts'
import type { TaskStores } from '../store/task-stores.ts'
import { failureStage } from './failure-stage.ts'

/** The task is to end, and the batch, or what is left of it, is processed by whoever has the partition next. */
export class BatchHandedBack extends Error {
  override readonly name = 'BatchHandedBack'
}

/** How often a whole batch is tried while a circuit breaker lets through one at a time, before such a try counts as a retry. */
const FREE_TRIES = 10

export interface SettlingBatch {
  /** The whole batch. */
  readonly part: Part
  readonly failure: ResolvedFailureOptions
  readonly maxRetries: number
  readonly pipeline: Pipeline
  /** A pass is under way in them. */
  readonly stores: TaskStores
  readonly punctuations: Punctuations
  readonly breakers: CircuitBreakers | undefined
  /**
   * Delivers what came of a part before the next is processed; resolves to whether it is written now. Undefined: all of it is written when the
   * batch is settled.
   */
  readonly deliver: ((writes: readonly WriteBatch[]) => Promise<boolean>) | undefined
  /** Throws once the task is closed. */
  readonly guard: () => void
  /** Whether processors were asked to end. */
  readonly aborted: () => boolean
  /** Resolves to whether the task goes on after so many milliseconds. */
  readonly wait: (delayMs: number) => Promise<boolean>
  /** Told before the wait for a retry. */
  readonly onRetry: (retry: number, delayMs: number, error: unknown) => void
  /** What is to be written of a record that was given up, if anything; rejects if the application is to fail. */
  readonly giveUp: (row: number, error: unknown, attempts: number) => Promise<SinkOutput | undefined>
  /** Told in the end how many records were part of an attempt that failed. */
  readonly onFailed: (records: number) => void
  /** The records before row `next` are done: what was done of them can be committed. */
  readonly commitPrefix: (next: number, output: PassOutput) => void
}

/** How a part went, with what is to be written of it. */
export interface Ran {
  readonly result: PartResult
  readonly outputs: readonly NodeOutput[]
}

/**
 * Processes one batch until each of its records is done or was given up, by the steps that `settling` decides on: what fails is tried again, then
 * narrowed to the records that are at fault. Resolves to what is to be written. What it did of the batch is in the stores' pass, for the caller to end.
 * `first`: how the batch went as a whole, if it was run already.
 */
export async function settleBatch(batch: SettlingBatch, first?: Ran): Promise<PassOutput> {
  const { part, failure, maxRetries, guard } = batch
  const ran = first ?? (await run(batch, undefined, part.keep))
  const outputs = [...ran.outputs]
  if (ran.result.ok) return mergeSinkOutputs(outputs)
  const failed = await followSettling({ count: part.batch.length, failure, maxRetries, thrownBy }, ran.result, {
    async run(rows, keep) {
      const next = await run(batch, rows.length === part.batch.length ? undefined : rows, keep)
      outputs.push(...next.outputs)
      return next.result
    },
    async wait(retry, error) {
      const delayMs = retryDelay(retry, failure.retry, Math.random())
      batch.onRetry(retry, delayMs, error)
      if (!(await batch.wait(delayMs))) throw new BatchHandedBack('The task ends while a batch waits to be tried again.', { cause: error })
    },
    async giveUp(row, error, attempts) {
      guard()
      const output = await batch.giveUp(row, error, attempts)
      guard()
      if (output === undefined) return
      if ((await batch.deliver?.([output.write])) !== true) outputs.push(output)
    },
    commitPrefix(rows) {
      guard()
      batch.stores.succeed()
      batch.commitPrefix(rows, mergeSinkOutputs(outputs.splice(0)))
      batch.stores.begin()
    },
  })
  batch.onFailed(failed)
  return mergeSinkOutputs(outputs)
}

/** How a part went that the pipeline has processed: the stores keep it, unless it is the whole. */
export function ranOf(batch: SettlingBatch, done: PartDone, whole: boolean): Ran {
  const { outputs, failed } = done
  if (failed.length > 0 || !whole) batch.stores.keep()
  return {
    result: failed.length === 0 ? { ok: true } : { ok: false, failed, kept: true },
    outputs,
  }
}

/** How a part went that has failed, and is taken back; `scheduled`: before it. Throws what no record is to blame for. */
export function failedAs(batch: SettlingBatch, error: unknown, scheduled: Punctuations['scheduled']): Ran {
  const result = resultOf(error, batch.part.batch)
  // It concerns the task as a whole. Nor is a record to blame for what was asked to end.
  if (result === undefined || batch.aborted()) throw error
  batch.stores.undo()
  batch.punctuations.restore(scheduled)
  return { result, outputs: [] }
}

/** Processes some records of the batch, or all. */
async function run(batch: SettlingBatch, rows: readonly number[] | undefined, keep: boolean): Promise<Ran> {
  const { part, pipeline, breakers, deliver, punctuations, guard } = batch
  for (let tries = 1; ; tries++) {
    if (breakers !== undefined) await untilClosed(breakers, batch)
    guard()
    const { scheduled } = punctuations
    try {
      const done = await pipeline.run({ ...part, rows, keep })
      const written = await deliver?.(mergeSinkOutputs(done.outputs).writes)
      return ranOf(
        batch,
        written === true ? { ...done, outputs: done.outputs.filter((output) => 'outside' in output) } : done,
        rows === undefined,
      )
    } catch (error) {
      const failed = failedAs(batch, error, scheduled)
      // While the breaker is open it is likelier that all would fail than that these records are at fault: they lose no chance by it.
      const free = rows === undefined && breakers !== undefined && breakers.waitMs() > 0 && tries < FREE_TRIES
      if (!free) return failed
    }
  }
}

/** While a breaker is open nothing is tried. */
async function untilClosed(breakers: CircuitBreakers, { wait }: SettlingBatch): Promise<void> {
  for (let waitMs = breakers.waitMs(); waitMs > 0; waitMs = breakers.waitMs()) {
    if (!(await wait(waitMs))) throw new BatchHandedBack('The task ends while a circuit breaker is open.')
  }
  breakers.try()
}

function resultOf(error: unknown, batch: Part['batch']): PartResult | undefined {
  if (error instanceof RecordsFailed) return { ok: false, failed: error.failed, kept: false }
  if (failureStage(error) === undefined) return undefined
  const offset = (error as { readonly offset?: number | undefined }).offset
  for (let row = 0; offset !== undefined && row < batch.length; row++)
    if (batch.offset(row) === offset) return { ok: false, at: row, error }
  return { ok: false, error }
}
