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
  /** The timestamp that state written now gets; undefined while several records are in flight, each with its own. */
  writeTimestamp: number | undefined
  readonly requestCommit: () => void
  /**
   * The store's handle for processors; throws if the task has no such store. `timestamp`: of changes made through it. Default: `writeTimestamp`.
   */
  readonly storeHandle: (name: string, timestamp?: () => number) => unknown
}

/** The timestamp of a change that is not made through the context of one record. */
export function writeTimestampOf({ writeTimestamp }: TaskScope): number {
  if (writeTimestamp !== undefined) return writeTimestamp
  throw new TypeError(
    'A store was changed by who processes several records at once, and does not say for which: use context.store() of the context that process is given with each record, not what init has kept.',
  )
}
