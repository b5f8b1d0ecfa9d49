/**
 * Batch processors on worker threads, for work that keeps a core busy.
 *
 * @packageDocumentation
 */
export {
  parallelBatch,
  type ParallelBatchOptions,
  type ParallelFunction,
  type ParallelOutput,
  type ParallelRecord,
  type ParallelResult,
} from '@millrace/parallel'
