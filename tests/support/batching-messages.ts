import type { AppBatchOptions, BatchTrigger } from 'millrace'

/** What a process that batches is told when it is started. */
export interface BatchingConfig {
  readonly brokers: string
  readonly applicationId: string
  readonly topic: string
  readonly stateDir: string
  readonly batch: AppBatchOptions
  /** The record that can't be processed, and is skipped. */
  readonly bad?: number | undefined
}

export type BatchingMessage =
  | { readonly type: 'cut'; readonly records: number; readonly trigger: BatchTrigger }
  /** The processor was called, for one record or for a batch. */
  | { readonly type: 'call'; readonly how: 'process' | 'processBatch'; readonly values: readonly number[] }
  /** The application could not be started. */
  | { readonly type: 'refused'; readonly message: string }
