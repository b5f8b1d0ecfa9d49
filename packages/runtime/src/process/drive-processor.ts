import type { BatchOutcome, DetectedProcessor } from '@millrace/core'
import type { NodeContext } from './node-context.ts'
import type { NodeInput } from './node-input.ts'
import { processingError } from './processing-error.ts'
import type { TaskScope } from './task-scope.ts'

/**
 * Gives a node its input: whole to a batch processor, record by record to a processor that only knows single records. What it forwards is
 * gathered by the context either way, so that its children receive batches again. `single`: the policy asks for single records, so that a
 * processor that knows both gets them one by one.
 */
export function driveProcessor(
  processor: DetectedProcessor,
  context: NodeContext,
  input: NodeInput,
  { scope, single }: { readonly scope: TaskScope; readonly single: boolean },
): Promise<void> {
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
): Promise<void> {
  const { batch } = input
  scope.streamTime = batch.streamTime(batch.length - 1)
  scope.writeTimestamp = batch.timestamp(batch.length - 1)
  try {
    let outcome: void | BatchOutcome | Promise<void | BatchOutcome> = processBatch(batch, context)
    if (isThenable(outcome)) {
      outcome = await outcome
      scope.guard()
    }
    const failed = outcome === undefined ? undefined : outcome.failed[0]
    if (failed !== undefined) throw processingError(context.node, batch, failed.index, failed.error)
  } catch (error) {
    throw processingError(context.node, batch, undefined, error)
  }
}

async function driveSingle(
  process: NonNullable<DetectedProcessor['process']>,
  context: NodeContext,
  input: NodeInput,
  scope: TaskScope,
): Promise<void> {
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
}

function isThenable(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
