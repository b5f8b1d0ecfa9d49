import type { RecordSource, StartPosition, TopicPartition } from '@millrace/core'

/** Tasks that were made and have not begun. */
export interface CreatedTasks {
  readonly positions: readonly StartPosition[]
  /** Lets them begin. */
  readonly publish: () => void
  /** Nobody wants them any more. */
  readonly discard: () => Promise<unknown>
}

/**
 * Goes on reading elsewhere, then lets the tasks begin. The partitions stand still until they have them: what was read before goes to nobody,
 * what is read from then on is not missed, and what was paused for a queue that is gone goes on. If it fails nobody wants the tasks.
 */
export async function moveTo(positions: readonly StartPosition[], { publish, discard }: CreatedTasks, source: RecordSource): Promise<void> {
  if (positions.length > 0) {
    source.pause(positions)
    try {
      await source.seek(positions)
    } catch (error) {
      await discard()
      throw error
    }
  }
  publish()
  const going = positions.filter(({ paused }) => paused !== true)
  if (going.length > 0) source.resume(going)
}

/** Partitions with which nothing begins for now. */
export function standingStill(partitions: readonly TopicPartition[]): StartPosition[] {
  return partitions.map(({ topic, partition }) => ({ topic, partition, offset: 0, paused: true }))
}
