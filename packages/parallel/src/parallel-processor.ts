import { setMaxListeners } from 'node:events'
import {
  type BatchOutcome,
  type BatchProcessor,
  type Headers,
  type ProcessorContext,
  type RecordBatch,
  TaskClosedError,
} from '@millrace/core'
import { atMost } from './at-most.ts'
import { cutRows } from './chunks.ts'
import { runRows, type RowsOutcome } from './run-rows.ts'
import type { Lease, SharedThreads } from './shared-threads.ts'

/** Chunks of a batch that are handed to the pool at once, for each thread: one is worked on while the next one waits for it. */
const CHUNKS_AHEAD = 2

type Context = ProcessorContext<unknown, unknown>

/** Spreads each batch over threads and forwards what comes of it in the order of its records. */
export class ParallelProcessor implements BatchProcessor<unknown, unknown, unknown, unknown> {
  readonly #shared: SharedThreads
  readonly #chunkSize: number | undefined
  readonly #abort = new AbortController()
  #task = ''
  #lease: Lease | undefined

  constructor(shared: SharedThreads, chunkSize: number | undefined) {
    this.#shared = shared
    this.#chunkSize = chunkSize
    // Each chunk under way listens.
    setMaxListeners(0, this.#abort.signal)
  }

  async init({ signal, taskId, logger }: Context): Promise<void> {
    signal.throwIfAborted()
    signal.addEventListener('abort', () => this.#abort.abort(signal.reason), { once: true })
    this.#task = taskId
    this.#lease = this.#shared.acquire(logger)
    try {
      await Promise.race([this.#lease.threads.load(), rejectedBy(this.#abort.signal)])
    } catch (error) {
      await this.#lease.release()
      throw error
    }
  }

  async processBatch(batch: RecordBatch<unknown, unknown>, context: Context): Promise<void | BatchOutcome> {
    const { signal } = this.#abort
    signal.throwIfAborted()
    const { threads } = this.#lease as Lease
    const chunks = cutRows(batch.length, threads.count, this.#chunkSize)
    const outcomes = await atMost(threads.count * CHUNKS_AHEAD, chunks.length, (i) =>
      runRows(threads, batch, chunks[i] as number[], signal),
    )
    forward(outcomes, context)
    const failed = outcomes.flatMap((outcome) => outcome.failed)
    return failed.length === 0 ? undefined : { failed }
  }

  async close(): Promise<void> {
    this.#abort.abort(new TaskClosedError(this.#task))
    await this.#lease?.release()
  }
}

/** Rejects with the reason of `signal` when it is aborted. */
function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}

function forward(outcomes: readonly RowsOutcome[], context: Context): void {
  const keys: unknown[] = []
  const values: unknown[] = []
  const timestamps: number[] = []
  const headers: (Headers | undefined)[] = []
  const sources: number[] = []
  for (const { rows, result } of outcomes) {
    for (let i = 0; i < result.keys.length; i++) {
      keys.push(result.keys[i])
      values.push(result.values[i])
      timestamps.push(result.timestamps[i] as number)
      headers.push(result.headers[i])
      sources.push(rows[result.sources[i] as number] as number)
    }
  }
  if (keys.length > 0) context.forwardBatch({ keys, values, timestamps, headers, sources })
}
