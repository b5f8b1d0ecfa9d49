import type { CommitEvent } from '@millrace/core'

/** Why a commit was made. */
export type CommitReason = CommitEvent['reason']

const URGENCY: Readonly<Record<CommitReason, number>> = { interval: 0, records: 0, bytes: 0, request: 1, revoke: 2, drain: 3 }

/** Whether somebody waits for it: what sinks outside of the log have gathered is stored first. */
export function isWaitedFor(reason: CommitReason): boolean {
  return URGENCY[reason] > 0
}

/** Why one commit is made that is asked for twice. */
export function moreUrgent(one: CommitReason, other: CommitReason): CommitReason {
  return URGENCY[other] > URGENCY[one] ? other : one
}
