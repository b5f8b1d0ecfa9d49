import type { Logger } from '@millrace/core'

/** What the nodes of one task share: its name, its epoch, its time. */
export interface TaskScope {
  readonly applicationId: string
  readonly taskId: string
  readonly partition: number
  readonly logger: Logger
  readonly signal: AbortSignal
  /** Throws a `TaskClosedError` once this epoch of the task is over. */
  readonly guard: () => void
  /** The highest timestamp taken so far. */
  streamTime: number
  /** The timestamp that state written now gets. */
  writeTimestamp: number
  readonly requestCommit: () => void
  /** The store's handle for processors; throws if the task has no such store. */
  readonly storeHandle: (name: string) => unknown
}
