import type { BatchProcessor, ProcessorSupplier } from '@millrace/core'
import type { AnyParallelFunction, KeyInOf, KeyOutOf, ValueInOf, ValueOutOf } from './parallel-function.ts'
import { ParallelProcessor } from './parallel-processor.ts'
import { type ParallelBatchOptions, resolveOptions } from './resolve-options.ts'
import { SharedThreads } from './shared-threads.ts'

/** What {@link parallelBatch} gives for a function of type `F`. */
export type ParallelSupplier<F> = ProcessorSupplier<BatchProcessor<KeyInOf<F>, ValueInOf<F>, KeyOutOf<F>, ValueOutOf<F>>>

/**
 * A processor for work that keeps a core busy: it spreads each batch over worker threads, in which a function of yours is called with one record
 * after another, and forwards what comes back in the order of the records.
 *
 * ```ts
 * import { parallelBatch, type ParallelFunction } from 'millrace/parallel'
 *
 * type RenderPage = ParallelFunction<string, { title: string }, string, string>
 * const render = parallelBatch<RenderPage>({ module: new URL('./render-page.js', import.meta.url), export: 'renderPage' })
 * // builder.source(...).process('render', render)
 * ```
 *
 * The threads are started with the first task that needs them, shared by all, and ended with the last. A record whose function throws is named in
 * the batch's outcome; a thread that dies fails the batch with a `THREAD_DIED`, and is replaced; a module that can't be loaded, or has no such
 * function, fails the task at its start with a `MODULE_NOT_LOADED`. Throws a `TypeError` for bad options.
 */
export function parallelBatch<F extends AnyParallelFunction>(options: ParallelBatchOptions): ParallelSupplier<F> {
  const resolved = resolveOptions(options)
  const shared = new SharedThreads(resolved)
  return { create: () => new ParallelProcessor(shared, resolved.chunkSize) }
}
