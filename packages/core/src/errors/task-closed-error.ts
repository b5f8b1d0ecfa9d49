import { MillraceError } from './millrace-error.ts'

/** A forward, store call or result that comes from an older epoch of a task: its partitions were taken away or it is being recovered. */
export class TaskClosedError extends MillraceError {
  override readonly name = 'TaskClosedError'

  constructor(task: string) {
    super(
      'TASK_CLOSED',
      `Task ${task} was closed (its partitions were revoked, or it is being recovered): what is still running for it has no effect. ` +
        `Stop when context.signal is aborted.`,
      { stage: 'process', task },
    )
  }
}
