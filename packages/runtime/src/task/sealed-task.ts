import type { OffsetCommit, WriteBatch } from '@millrace/core'
import type { Task } from './task.ts'

/** What the finished passes of one task left to be committed together. */
export interface SealedTask {
  readonly task: Task
  readonly offsets: readonly OffsetCommit[]
  /** What is committed already of one of its partitions. */
  readonly held: OffsetCommit
  readonly changelog: readonly WriteBatch[]
  /** Records whose offsets this covers. */
  readonly records: number
}
