import type { OpenStoreBackend } from '@millrace/core'

/** Where pending events are kept. */
export interface OutboxOptions {
  /** A folder for this publisher alone; it belongs to one process at a time. */
  readonly folder: string
  /** What it is kept in: `openLevelDb` of `millrace/leveldb`. */
  readonly open: OpenStoreBackend
}
