import { type OffsetCommit, partitionKey, type TopicPartitionOffset } from '@millrace/core'
import { offsetsByPartition } from '../internal/offsets-by-partition.ts'
import type { TaskStores } from '../store/task-stores.ts'
import type { TaskEnvironment } from './task-environment.ts'

/** A task that is being made. */
export interface OpenedTask {
  readonly id: string
  readonly stores: TaskStores
  /** What is committed of its inputs, or where they begin. */
  readonly committed: readonly OffsetCommit[]
  /** Opens its stores, or takes over what has followed them. */
  readonly open: () => Promise<void>
}

/**
 * Opens the stores of those tasks that have one without a changelog, and finds out where these go on reading: where such a store is, which a crash may
 * have left ahead of what is committed, and a while elsewhere behind it. If it fails, all that was opened is closed.
 */
export async function findOwnOffsets(tasks: readonly OpenedTask[], { admin, logger }: TaskEnvironment): Promise<OffsetCommit[]> {
  const unlogged = tasks.filter(({ stores }) => stores.hasUnlogged)
  if (unlogged.length === 0) return []
  try {
    for (const { open } of unlogged) await open()
    const own = unlogged.flatMap(({ id, stores, committed }) =>
      committed.flatMap((known) => {
        const offset = stores.ownOffsets.get(partitionKey(known.topic, known.partition))
        return offset === undefined || offset === known.offset ? [] : { ...known, id, offset, committed: known.offset }
      }),
    )
    if (own.length === 0) return []
    const begins = offsetsByPartition(
      await admin.beginningOffsets(own.map(({ topic, partition }): Omit<TopicPartitionOffset, 'offset'> => ({ topic, partition }))),
    )
    return own.map(({ id, committed, ...at }) => {
      const offset = Math.max(at.offset, begins.get(partitionKey(at.topic, at.partition)) ?? 0)
      const fields = { task: id, topic: at.topic, partition: at.partition, offset, committed }
      if (offset > at.offset)
        logger.error({ ...fields, store: at.offset }, 'state without a changelog misses input that is gone: its topic begins later')
      else logger.info(fields, 'reading goes on where state without a changelog is, not at what is committed')
      return { ...at, offset }
    })
  } catch (error) {
    await Promise.all(unlogged.map(({ stores }) => stores.close()))
    throw error
  }
}
