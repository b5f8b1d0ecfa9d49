import {
  type IsolationLevel,
  MillraceError,
  type PartitionLag,
  partitionKey,
  type StoreSize,
  type TopicPartition,
  type TopicPartitionOffset,
  type TransportAdmin,
} from '@millrace/core'
import { offsetsByPartition } from '../internal/offsets-by-partition.ts'
import type { Task } from '../task/task.ts'
import type { InspectedTasks } from './inspect.ts'
import type { RunnableDefinition } from './resolve-definition.ts'

interface Asked {
  readonly definition: Pick<RunnableDefinition, 'processingGuarantee'>
  readonly admin: TransportAdmin
}

/** What can be asked about tasks of this thread. */
export function inspectTasks({ admin, definition }: Asked, tasks: () => readonly Task[]): InspectedTasks {
  return {
    has: (id) => tasks().some((task) => task.id === id),
    lag: () => lagOf(tasks(), admin, definition.processingGuarantee === 'exactly-once' ? 'read-committed' : 'read-uncommitted'),
    stores: () => sizesOf(tasks()),
  }
}

async function lagOf(tasks: readonly Task[], admin: TransportAdmin, isolation: IsolationLevel): Promise<PartitionLag[]> {
  const read = tasks.flatMap((task) => task.queues.map((queue) => ({ task: task.id, queue })))
  if (read.length === 0) return []
  const asked = read.map(({ queue: { topic, partition } }) => ({ topic, partition }))
  const ends = offsetsByPartition(await endOffsets(admin, asked, isolation))
  return read.flatMap(({ task, queue: { topic, partition, nextOffset: position } }) => {
    const end = ends.get(partitionKey(topic, partition))
    // Read by a member that sees further than the question did: nothing is behind.
    return end === undefined ? [] : [{ task, topic, partition, position, end, lag: Math.max(0, end - position) }]
  })
}

/** Without those of topics that were deleted, one of which would spoil the answer for all. */
async function endOffsets(
  admin: TransportAdmin,
  asked: readonly TopicPartition[],
  isolation: IsolationLevel,
): Promise<readonly TopicPartitionOffset[]> {
  try {
    return await admin.endOffsets(asked, isolation)
  } catch (error) {
    if (!(error instanceof MillraceError && error.code === 'UNKNOWN_TOPIC')) throw error
    const topics = await admin.describeTopics([...new Set(asked.map(({ topic }) => topic))])
    const counts = new Map(topics.map(({ topic, partitions }) => [topic, partitions]))
    const there = asked.filter(({ topic, partition }) => partition < (counts.get(topic) ?? 0))
    if (there.length === asked.length) throw error
    return there.length === 0 ? [] : admin.endOffsets(there, isolation)
  }
}

async function sizesOf(tasks: readonly Task[]): Promise<StoreSize[]> {
  const sizes: Promise<StoreSize>[] = []
  for (const { id, state, stores } of tasks) {
    // Of one that is being opened or closed nobody knows.
    if (state !== 'running' && state !== 'finishing') continue
    for (const { definition, store } of stores.all) {
      const size = (store.committed as { approximateSize(): Promise<number> }).approximateSize()
      const { uncommittedBytes } = store
      sizes.push(size.then((entries) => ({ task: id, store: definition.name, entries, uncommittedBytes })))
    }
  }
  return (await Promise.allSettled(sizes)).flatMap((size) => (size.status === 'fulfilled' ? [size.value] : []))
}
