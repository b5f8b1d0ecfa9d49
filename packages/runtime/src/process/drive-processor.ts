import { type BatchOutcome, type DetectedProcessor, failuresIn, type RecordFailure } from '@millrace/core'
import { isThenable } from '../internal/is-thenable.ts'
import { AttemptContext } from './attempt-context.ts'
import { driveConcurrently } from './drive-concurrently.ts'
import type { NodeContext } from './node-context.ts'
import type { RunningConcurrency } from './node-concurrency.ts'
import type { NodeInput } from './node-input.ts'
import { processingError } from './processing-error.ts'
import type { TaskScope } from './task-scope.ts'

export interface DriveOptions {
  readonly scope: TaskScope
  /** The policy asks for single records: a processor that knows both gets them one by one. */
  readonly single: boolean
  /** Several records at once. Undefined: one after another. */
  readonly concurrency: RunningConcurrency | undefined
  /** What is done is kept where only some records fail. */
  readonly keep: boolean
}

type Process = NonNullable<DetectedProcessor['process']>
type ProcessBatch = NonNullable<DetectedProcessor['processBatch']>

const NO_FAILURES: readonly RecordFailure[] = Object.freeze([])

/**
 * Gives a node its input: whole to a batch processor, record by record to a processor that only knows single records, or several of them at
 * once. What it forwards is gathered by the context either way, so that its children receive batches again. Resolves to the records that failed,
 * in offset order, while all others are done; rejects where that can't be said of the others.
 */
export function driveProcessor(
  processor: DetectedProcessor,
  context: NodeContext,
  input: NodeInput,
  { scope, single, concurrency, keep }: DriveOptions,
): Promise<readonly RecordFailure[]> {
  const { process, processBatch } = processor
  if (concurrency !== undefined) return driveConcurrently(process as Process, context, input, { scope, concurrency, keep })
  if (processBatch !== undefined && !(single && process !== undefined)) return driveBatch(processBatch, context, input, scope)
  return driveSingle(process as Process, context, input, scope)
}

async function driveBatch(
  processBatch: ProcessBatch,
  context: NodeContext,
  input: NodeInput,
  scope: TaskScope,
): Promise<readonly RecordFailure[]> {
  const { batch } = input
  scope.streamTime = batch.streamTime(batch.length - 1)
  scope.writeTimestamp = batch.timestamp(batch.length - 1)
  const attempt = new AttemptContext(context)
  try {
    let outcome: void | BatchOutcome | Promise<void | BatchOutcome> = processBatch(batch, attempt)
    if (isThenable(outcome)) {
      outcome = await outcome
      scope.guard()
    }
    const failures = outcome === undefined ? NO_FAILURES : failuresIn(outcome, batch.length)
    attempt.end(false)
    return failures
  } catch (error) {
    attempt.end(true)
    throw processingError(context.node, batch, undefined, error)
  }
}

async function driveSingle(process: Process, context: NodeContext, input: NodeInput, scope: TaskScope): Promise<readonly RecordFailure[]> {
  const { batch } = input
  const count = batch.length
  const attempt = new AttemptContext(context)
  let i = 0
  try {
    for (; i < count; i++) {
      context.take(i)
      scope.streamTime = batch.streamTime(i)
      scope.writeTimestamp = batch.timestamp(i)
      const result = process(batch.record(i), attempt)
      if (isThenable(result)) {
        await result
        scope.guard()
      }
    }
  } catch (error) {
    attempt.end(true)
    throw processingError(context.node, batch, i, error)
  }
  attempt.end(false)
  return NO_FAILURES
}
