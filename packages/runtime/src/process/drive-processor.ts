import type { BatchOutcome, DetectedProcessor, RecordFailure } from '@millrace/core'
import type { NodeContext } from './node-context.ts'
import type { NodeInput } from './node-input.ts'
import { processingError } from './processing-error.ts'
import type { TaskScope } from './task-scope.ts'

const NO_FAILURES: readonly RecordFailure[] = Object.freeze([])

/**
 * Gives a node its input: whole to a batch processor, record by record to a processor that only knows single records. What it forwards is
 * gathered by the context either way, so that its children receive batches again. `single`: the policy asks for single records, so that a
 * processor that knows both gets them one by one. Resolves to the records that failed while all others were done; rejects with a `ProcessingError`
 * if the rest was not.
 */
export function driveProcessor(
  processor: DetectedProcessor,
  context: NodeContext,
  input: NodeInput,
  { scope, single }: { readonly scope: TaskScope; readonly single: boolean },
): Promise<readonly RecordFailure[]> {
  if (processor.processBatch !== undefined && !(single && processor.process !== undefined)) {
    return driveBatch(processor.processBatch, context, input, scope)
  }
  return driveSingle(processor.process as NonNullable<DetectedProcessor['process']>, context, input, scope)
}

async function driveBatch(
  processBatch: NonNullable<DetectedProcessor['processBatch']>,
  context: NodeContext,
  input: NodeInput,
  scope: TaskScope,
): Promise<readonly RecordFailure[]> {
  const { batch } = input
  scope.streamTime = batch.streamTime(batch.length - 1)
  scope.writeTimestamp = batch.timestamp(batch.length - 1)
  try {
    let outcome: void | BatchOutcome | Promise<void | BatchOutcome> = processBatch(batch, context)
    if (isThenable(outcome)) {
      outcome = await outcome
      scope.guard()
    }
    return outcome === undefined ? NO_FAILURES : checkedFailures(outcome, batch.length)
  } catch (error) {
    throw processingError(context.node, batch, undefined, error)
  }
}

async function driveSingle(
  process: NonNullable<DetectedProcessor['process']>,
  context: NodeContext,
  input: NodeInput,
  scope: TaskScope,
): Promise<readonly RecordFailure[]> {
  const { batch } = input
  const count = batch.length
  let i = 0
  try {
    for (; i < count; i++) {
      context.take(i)
      scope.streamTime = batch.streamTime(i)
      scope.writeTimestamp = batch.timestamp(i)
      const result = process(batch.record(i), context)
      if (isThenable(result)) {
        await result
        scope.guard()
      }
    }
  } catch (error) {
    throw processingError(context.node, batch, i, error)
  }
  return NO_FAILURES
}

/** The failures of an outcome, each record once, in the order of the records. Throws for an index that is none. */
function checkedFailures({ failed }: BatchOutcome, count: number): readonly RecordFailure[] {
  if (failed.length === 0) return NO_FAILURES
  const byIndex = new Map<number, RecordFailure>()
  for (const failure of failed) {
    const { index } = failure
    if (!(Number.isInteger(index) && index >= 0 && index < count)) {
      throw new RangeError(`the outcome names record ${String(index)} as failed; it must be an index of the batch (0 to ${count - 1}).`)
    }
    if (!byIndex.has(index)) byIndex.set(index, failure)
  }
  return [...byIndex.values()].toSorted((a, b) => a.index - b.index)
}

function isThenable(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
