import type { DetectedProcessor, RecordFailure } from '@millrace/core'
import { isThenable } from '../internal/is-thenable.ts'
import { keyIdentity } from './key-identity.ts'
import { Lanes } from './lanes.ts'
import type { NodeContext } from './node-context.ts'
import type { RunningConcurrency } from './node-concurrency.ts'
import type { NodeInput } from './node-input.ts'
import { isOfEngine, processingError } from './processing-error.ts'
import { RecordContext } from './record-context.ts'
import type { TaskScope } from './task-scope.ts'

type Process = NonNullable<DetectedProcessor['process']>

interface Concurrently {
  readonly scope: TaskScope
  readonly concurrency: RunningConcurrency
  /** What is done is kept where only some records fail. */
  readonly keep: boolean
}

/**
 * Gives a processor of single records those of its input, several at once. Resolves to the records that failed, in offset order, once all others are
 * done; rejects where others of the key of a record that failed were left out behind it, and what is done would be kept. After an error of the engine itself nothing more is begun, and it is thrown once what was under way has ended.
 */
export async function driveConcurrently(
  process: Process,
  context: NodeContext,
  input: NodeInput,
  { scope, concurrency, keep }: Concurrently,
): Promise<readonly RecordFailure[]> {
  const { batch } = input
  const failed: RecordFailure[] = []
  const lanes = lanesOf(context.node, input, concurrency, failed)
  let stopped: { readonly error: unknown } | undefined
  scope.streamTime = batch.streamTime(batch.length - 1)
  scope.writeTimestamp = undefined
  context.takeSeveral(concurrency.ordering === 'unordered')

  const work = async (): Promise<void> => {
    let i: number | undefined
    while (stopped === undefined && (i = lanes.take(i)) !== undefined) {
      const own = new RecordContext(context, i, { timestamp: batch.timestamp(i), streamTime: batch.streamTime(i) })
      const taken = i
      try {
        scope.guard()
        const result = process(batch.record(i), own)
        if (isThenable(result)) await result
      } catch (error) {
        if (isOfEngine(error)) stopped ??= { error }
        else failed.push({ index: i, error })
        // What follows it under its key must not overtake it: it is processed when this one is tried again, or has been given up.
        i = undefined
      }
      own.end()
      context.done(taken)
    }
  }
  // One promise for each place, not for each record.
  const places: Promise<void>[] = []
  while (places.length < concurrency.limit && lanes.left > 0 && stopped === undefined) places.push(work())
  await Promise.all(places)
  if (stopped !== undefined) throw stopped.error
  scope.guard()
  failed.sort((a, b) => a.index - b.index)
  const [first] = failed
  if (first !== undefined && keep && failed.some(({ index }) => lanes.isFollowed(index))) {
    // If what is done were kept, what was left out would be lost.
    throw processingError(context.node, batch, first.index, first.error)
  }
  return failed
}

function lanesOf(node: string, { batch }: NodeInput, { ordering, keySerde }: RunningConcurrency, failed: RecordFailure[]): Lanes {
  if (ordering !== 'key') return Lanes.single(batch.length)
  const keys = batch.keys
  return Lanes.byKey(
    batch.length,
    (i) => keyIdentity(keys[i], keySerde),
    (index, cause) => failed.push({ index, error: keyRefused(node, keySerde.name, cause) }),
  )
}

function keyRefused(node: string, serde: string, cause: unknown): TypeError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new TypeError(
    `ordering 'key' of node '${node}' compares keys that are objects by their bytes, and the key serde of its source, '${serde}', refuses this one ` +
      `(${reason}): give it keys that are text, numbers or bytes, with selectKey.`,
    { cause },
  )
}
