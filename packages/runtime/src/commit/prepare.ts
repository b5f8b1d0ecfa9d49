import type { CommitParticipant, OffsetCommit } from '@millrace/core'
import { lowestOffsets } from './lowest-offsets.ts'

/** Asks all who must be durable before `offsets` are: the lowest that all of them confirm. */
export async function prepare(
  participants: readonly CommitParticipant[],
  offsets: readonly OffsetCommit[],
): Promise<readonly OffsetCommit[]> {
  const { signal } = new AbortController()
  const answers: (readonly OffsetCommit[])[] = []
  for (const participant of participants) answers.push(await participant.prepare(offsets, signal))
  return lowestOffsets(offsets, answers)
}
