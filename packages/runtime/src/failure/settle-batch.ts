import { isRetryable, type PartResult, type ResolvedFailureOptions, retryDelay, settling, type WriteBatch } from '@millrace/core'
import type { CircuitBreakers } from '../process/circuit-breakers.ts'
import type { Part, Pipeline } from '../process/pipeline.ts'
import { RecordsFailed, thrownBy } from '../process/processing-error.ts'
import { mergeSinkOutputs, type PassOutput, type SinkOutput } from '../sink/sink-output.ts'
import type { TaskStores } from '../store/task-stores.ts'
import { failureStage } from './failure-stage.ts'
import { followSettling } from './follow-settling.ts'

/** The task is to end, and the batch, or what is left of it, is processed by whoever has the partition next. */
export class BatchHandedBack extends Error {
  override readonly name = 'BatchHandedBack'
}

export interface SettlingBatch {
  readonly part: Omit<Part, 'rows' | 'keep'>
  readonly failure: ResolvedFailureOptions
  readonly maxRetries: number
  readonly pipeline: Pipeline
  /** A pass is under way in them. */
  readonly stores: TaskStores
  /** Resolves to whether the task goes on after so many milliseconds. */
  readonly wait: (delayMs: number) => Promise<boolean>
  readonly breakers: CircuitBreakers | undefined
  /** Delivers what came of a part before the next is processed. Undefined: all of it is written when the batch is settled. */
  readonly deliver: ((writes: readonly WriteBatch[]) => Promise<void>) | undefined
  /** Whether processors were asked to end. */
  readonly aborted: () => boolean
  /** Told before the wait for a retry. */
  readonly onRetry: (retry: number, delayMs: number, error: unknown) => void
  /** What is to be written of a record that was given up, if anything; rejects if the application is to fail. */
  readonly giveUp: (row: number, error: unknown, attempts: number) => Promise<SinkOutput | undefined>
  /** The records before row `next` are done: what was done of them can be committed. */
  readonly commitPrefix: (next: number, output: PassOutput) => void
}

/**
 * Processes one batch until each of its records is done or was given up, by the steps that `settling` decides on: what fails is tried again, then
 * narrowed to the records that are at fault. Resolves to what is to be written. What it did of the batch is in the stores' pass, for the caller to end.
 */
export async function settleBatch(batch: SettlingBatch): Promise<PassOutput> {
  const { part, failure, maxRetries } = batch
  // Most batches are done at once, and need no more than this.
  const keep = failure.acknowledgement === 'best-effort'
  const first = await run(batch, undefined, keep)
  if (first.result.ok) return mergeSinkOutputs(first.outputs)
  const outputs = [...first.outputs]
  const steps = settling(part.batch.length, {
    acknowledgement: failure.acknowledgement,
    maxRetries,
    isRetryable: (error) => isRetryable(thrownBy(error), failure.retry.nonRetryable),
  })
  await followSettling(steps, first.result, {
    async run(rows, keepIt) {
      const ran = await run(batch, rows.length === part.batch.length ? undefined : rows, keepIt)
      outputs.push(...ran.outputs)
      return ran.result
    },
    async wait(retry, error) {
      const delayMs = retryDelay(retry, failure.retry, Math.random())
      batch.onRetry(retry, delayMs, error)
      if (!(await batch.wait(delayMs))) throw new BatchHandedBack('The task ends while a batch waits to be tried again.', { cause: error })
    },
    async giveUp(row, error, attempts) {
      const output = await batch.giveUp(row, error, attempts)
      if (output === undefined) return
      if (batch.deliver === undefined) outputs.push(output)
      else await batch.deliver([output.write])
    },
    commitPrefix(rows) {
      batch.stores.succeed()
      batch.commitPrefix(rows, mergeSinkOutputs(outputs.splice(0)))
      batch.stores.begin()
    },
  })
  return mergeSinkOutputs(outputs)
}

interface Ran {
  readonly result: PartResult
  readonly outputs: readonly SinkOutput[]
}

/** Processes some records of the batch, or all, and keeps in the stores what was done of them, or takes it back. */
async function run(batch: SettlingBatch, rows: readonly number[] | undefined, keep: boolean): Promise<Ran> {
  const { part, pipeline, stores, breakers, deliver } = batch
  if (breakers !== undefined) await untilClosed(breakers, batch)
  try {
    const { outputs, failed } = await pipeline.run({ ...part, rows, keep })
    if (deliver !== undefined) await deliver(mergeSinkOutputs(outputs).writes)
    if (failed.length > 0 || rows !== undefined) stores.keep()
    return { result: failed.length === 0 ? { ok: true } : { ok: false, failed, kept: true }, outputs: deliver === undefined ? outputs : [] }
  } catch (error) {
    const result = resultOf(error, part.batch)
    // Not of records: it concerns the task as a whole. Nor is a record to blame for what was asked to end.
    if (result === undefined || batch.aborted()) throw error
    stores.undo()
    return { result, outputs: [] }
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
