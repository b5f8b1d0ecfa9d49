import { type OffsetCommit, partitionKey } from '@millrace/core'
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
    await Promise.all(unlogged.map(({ open }) => open()))
    const own = unlogged.flatMap(({ id, stores, committed }) =>
      committed.flatMap((known) => {
        const offset = stores.ownOffsets.get(partitionKey(known.topic, known.partition))
        return offset === undefined || offset === known.offset ? [] : { id, stores, known, offset }
      }),
    )
    if (own.length === 0) return []
    const partitions = own.map(({ known: { topic, partition } }) => ({ topic, partition }))
    const [begins, ends] = await Promise.all([admin.beginningOffsets(partitions), admin.endOffsets(partitions, 'read-uncommitted')])
    const [beginOf, endOf] = [offsetsByPartition(begins), offsetsByPartition(ends)]
    const found: OffsetCommit[] = []
    for (const { id, stores, known, offset } of own) {
      const key = partitionKey(known.topic, known.partition)
      const begin = beginOf.get(key) ?? 0
      if (offset > (endOf.get(key) ?? Infinity)) {
        await stores.beginAnew(`it is at offset ${offset} of '${known.topic}', which ends before that: that was deleted and created anew`)
        continue
      }
      const fields = { task: id, topic: known.topic, partition: known.partition, state: offset, committed: known.offset }
      if (offset < begin) logger.error({ ...fields, begin }, 'state without a changelog misses input that is gone: its topic begins later')
      else logger.warn(fields, 'reading goes on where state without a changelog is, not at what is committed')
      found.push({ ...known, offset: Math.max(offset, begin) })
    }
    return found
  } catch (error) {
    await Promise.all(unlogged.map(({ stores }) => stores.close()))
    throw error
  }
}
