import { MillraceError, type Stage } from '@millrace/core'

/** The errors the embedded log answers with, each in one place, so that a code always comes with the same words. */

export function unknownTopic(stage: Stage, topic: string): MillraceError {
  return new MillraceError(
    'UNKNOWN_TOPIC',
    `Topic '${topic}' does not exist: create it first (the embedded log never creates topics by itself).`,
    {
      stage,
      topic,
    },
  )
}

export function unknownPartition(stage: Stage, topic: string, partition: number, partitions: number): MillraceError {
  return new MillraceError(
    'UNKNOWN_TOPIC',
    `Topic '${topic}' has ${partitions} partitions, numbered from 0: there is no partition ${partition}.`,
    {
      stage,
      topic,
      partition,
    },
  )
}

export function offsetOutOfRange(
  at: { readonly topic: string; readonly partition: number; readonly offset: number },
  from: number,
  to: number,
): MillraceError {
  return new MillraceError(
    'OFFSET_OUT_OF_RANGE',
    `Offset ${at.offset} of ${at.topic}-${at.partition} is out of range: the partition holds ${from} to ${to}.`,
    { stage: 'source', ...at },
  )
}

export function commitRefused(
  reason: string,
  at?: { readonly topic: string; readonly partition: number; readonly offset: number },
): MillraceError {
  return new MillraceError('COMMIT_REFUSED', `Offsets were not committed: ${reason}.`, { stage: 'commit', ...at })
}

export function producerFenced(transactionalId: string, reason: string): MillraceError {
  return new MillraceError(
    'PRODUCER_FENCED',
    `The writer of transactional id '${transactionalId}' can't go on: ${reason}. Close it and open another.`,
    {
      stage: 'commit',
    },
  )
}

export function closed(stage: Stage, what: string): MillraceError {
  return new MillraceError('CLOSED', `The ${what} has been closed.`, { stage })
}

/** What was thrown, as an error of this transport; a `MillraceError` stays as it is. */
export function asMillraceError(thrown: unknown, code: string, stage: Stage): MillraceError {
  if (thrown instanceof MillraceError) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new MillraceError(code, message, { stage, cause: thrown })
}
