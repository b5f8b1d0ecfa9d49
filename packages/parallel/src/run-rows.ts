import { errorFrom, MillraceError, type RecordBatch, type RecordFailure } from '@millrace/core'
import { chunkOf } from './chunks.ts'
import type { ChunkResult } from './messages.ts'
import type { Threads } from './threads.ts'

type AnyBatch = RecordBatch<unknown, unknown>

/** What became of some rows of a batch. */
export interface RowsOutcome {
  /** Index in the batch of the record in each place of the chunk. */
  readonly rows: readonly number[]
  readonly result: ChunkResult
  /** By index in the batch, ascending. */
  readonly failed: readonly RecordFailure[]
}

const NOTHING: ChunkResult = { keys: [], values: [], timestamps: [], headers: [], sources: [], failed: [] }

/**
 * Runs rows of a batch in a thread. A record that can't be copied, there or back, fails alone, as one does for which the function throws. Rejects
 * if the thread dies, or with the reason of `signal`.
 */
export async function runRows(threads: Threads, batch: AnyBatch, rows: readonly number[], signal: AbortSignal): Promise<RowsOutcome> {
  try {
    return await attempt(threads, batch, rows, { signal, careful: false })
  } catch (error) {
    signal.throwIfAborted()
    if (!isNotCloneable(error)) throw error instanceof MillraceError ? error : threadDied(batch, rows, error)
  }
  // What can't be copied is found by trying, which is too dear to be done always.
  const unsent: RecordFailure[] = []
  for (const index of rows) {
    const error = whyNotCopied(batch, index)
    if (error !== undefined) unsent.push({ index, error })
  }
  const left = rows.filter((row) => !unsent.some(({ index }) => index === row))
  try {
    const outcome = await attempt(threads, batch, left, { signal, careful: true })
    return { ...outcome, failed: [...outcome.failed, ...unsent].toSorted((one, other) => one.index - other.index) }
  } catch (error) {
    signal.throwIfAborted()
    throw error instanceof MillraceError ? error : threadDied(batch, left, error)
  }
}

async function attempt(
  threads: Threads,
  batch: AnyBatch,
  rows: readonly number[],
  { signal, careful }: { readonly signal: AbortSignal; readonly careful: boolean },
): Promise<RowsOutcome> {
  if (rows.length === 0) return { rows, result: NOTHING, failed: [] }
  const { chunk, buffer } = chunkOf(batch, rows, careful)
  const result = await threads.run(chunk, buffer, signal)
  return { rows, result, failed: result.failed.map(({ index, error }) => ({ index: rows[index] as number, error: errorFrom(error) })) }
}

function isNotCloneable(error: unknown): boolean {
  return error instanceof Error && error.name === 'DataCloneError'
}

function whyNotCopied(batch: AnyBatch, index: number): TypeError | undefined {
  try {
    structuredClone([batch.keys[index], batch.values[index]])
    return undefined
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return new TypeError(`Its key or value can't be copied to a thread: ${reason}`, { cause: error })
  }
}

function threadDied(batch: AnyBatch, rows: readonly number[], cause: unknown): MillraceError {
  const { topic, partition } = batch
  const [first, last] = [rows[0] as number, rows.at(-1) as number]
  const offsets = first === last ? `offset ${batch.offset(first)}` : `offsets ${batch.offset(first)} to ${batch.offset(last)}`
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new MillraceError('THREAD_DIED', `A thread died while it processed ${topic}-${partition}, ${offsets}: ${reason}`, {
    stage: 'process',
    retryable: true,
    cause,
    topic,
    partition,
  })
}
