import type { CommitUrgency, OffsetCommit } from '@millrace/core'
import type { SealedTask } from '../task/sealed-task.ts'

/** How a processing guarantee makes a commit: the part of it that differs. */
export interface CommitProtocol {
  /** Whether output is only there when it is committed: also a task that has nothing else has something to commit. */
  readonly commitsOutput: boolean
  /** Before anything is written. */
  open(): Promise<void>
  /**
   * Resolves if the group says that this process is a member still, unless it has just said so; `held`: an offset as it is committed already. Nothing is asked
   * where the group refuses all that others may see of who is none.
   */
  confirm(held: OffsetCommit): Promise<void>
  /**
   * Writes the changelogs, makes them and the output durable, and commits the offsets. All output of what was sealed is with the writer, and no
   * other is. `check` is called after each wait: it throws when the commit may go no further. Resolves to the offsets that are committed.
   */
  commit(sealed: readonly SealedTask[], check: () => void, urgency: CommitUrgency): Promise<readonly OffsetCommit[]>
}
