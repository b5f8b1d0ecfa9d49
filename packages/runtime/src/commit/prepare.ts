import type { CommitParticipant, CommitUrgency, OffsetCommit } from '@millrace/core'
import { lowestOffsets } from './lowest-offsets.ts'

/** Asks all who must be durable before `offsets` are: the lowest that all of them confirm. */
export async function prepare(
  participants: readonly CommitParticipant[],
  offsets: readonly OffsetCommit[],
  urgency: CommitUrgency,
): Promise<readonly OffsetCommit[]> {
  const answers: (readonly OffsetCommit[])[] = []
  for (const participant of participants) answers.push(await participant.prepare(offsets, urgency))
  return lowestOffsets(offsets, answers)
}
