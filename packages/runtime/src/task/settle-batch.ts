import {
  isRetryable,
  type ResolvedFailureOptions,
  retryDelay,
  type PartResult,
  settling,
  type Settling,
  type SettlingStep,
} from '@millrace/core'
import type { CircuitBreakers } from '../process/circuit-breakers.ts'
import type { Part, Pipeline } from '../process/pipeline.ts'
import { RecordsFailed, thrownBy } from '../process/processing-error.ts'
import { mergeSinkOutputs, type PassOutput, type SinkOutput } from '../sink/sink-output.ts'
import type { TaskStores } from '../store/task-stores.ts'
import { failureStage } from './failure-stage.ts'

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
  const steps = settling(part.batch.length, {
    acknowledgement: failure.acknowledgement,
    maxRetries,
    isRetryable: (error) => isRetryable(thrownBy(error), failure.retry.nonRetryable),
  })
  // Its first step is what was just run.
  steps.next()
  return new Settlement(batch, first.outputs).follow(steps, first.result)
}

interface Ran {
  readonly result: PartResult
  readonly outputs: readonly SinkOutput[]
}

class Settlement {
  readonly #batch: SettlingBatch
  /** Of what is done and not yet handed on. */
  #outputs: SinkOutput[]
  #lastError: unknown

  constructor(batch: SettlingBatch, outputs: readonly SinkOutput[]) {
    this.#batch = batch
    this.#outputs = [...outputs]
  }

  async follow(steps: Settling, first: PartResult): Promise<PassOutput> {
    this.#note(first)
    for (let step = steps.next(first); step.done !== true;) step = steps.next(await this.#take(step.value))
    return mergeSinkOutputs(this.#outputs)
  }

  async #take(step: SettlingStep): Promise<PartResult | undefined> {
    const { giveUp, commitPrefix, stores } = this.#batch
    switch (step.do) {
      case 'run': {
        const all = step.rows.length === this.#batch.part.batch.length
        const { result, outputs } = await run(this.#batch, all ? undefined : step.rows, step.keep)
        this.#outputs.push(...outputs)
        this.#note(result)
        return result
      }
      case 'wait':
        await this.#wait(step.retry)
        return undefined
      case 'give-up': {
        const output = await giveUp(step.row, step.error, step.attempts)
        if (output !== undefined) this.#outputs.push(output)
        return undefined
      }
      case 'commit-prefix': {
        const output = mergeSinkOutputs(this.#outputs)
        this.#outputs = []
        stores.succeed()
        commitPrefix(step.rows, output)
        stores.begin()
        return undefined
      }
    }
  }

  async #wait(retry: number): Promise<void> {
    const { failure, wait, onRetry } = this.#batch
    const delayMs = retryDelay(retry, failure.retry, Math.random())
    onRetry(retry, delayMs, this.#lastError)
    if (!(await wait(delayMs)))
      throw new BatchHandedBack('The task ends while a batch waits to be tried again.', { cause: this.#lastError })
  }

  #note(result: PartResult): void {
    if (!result.ok) this.#lastError = 'failed' in result ? result.failed[0]?.error : result.error
  }
}

/** Processes some records of the batch, or all, and keeps in the stores what was done of them, or takes it back. */
async function run(batch: SettlingBatch, rows: readonly number[] | undefined, keep: boolean): Promise<Ran> {
  const { part, pipeline, stores, breakers } = batch
  if (breakers !== undefined) await untilClosed(breakers, batch)
  try {
    const { outputs, failed } = await pipeline.run({ ...part, rows, keep })
    if (failed.length > 0 || rows !== undefined) stores.keep()
    return { result: failed.length === 0 ? { ok: true } : { ok: false, failed, kept: true }, outputs }
  } catch (error) {
    const result = resultOf(error, part.batch)
    // Not of records: it concerns the task as a whole.
    if (result === undefined) throw error
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
