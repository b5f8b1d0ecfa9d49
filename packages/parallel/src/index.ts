/**
 * Batch processors on worker threads, for work that keeps a core busy.
 *
 * @packageDocumentation
 */
export { parallelBatch, type ParallelSupplier } from './parallel-batch.ts'
export type { AnyParallelFunction, ParallelFunction, ParallelOutput, ParallelRecord, ParallelResult } from './parallel-function.ts'
export type { ParallelBatchOptions } from './resolve-options.ts'
