import { type OffsetCommit, partitionKey, type TransportAdmin } from '@millrace/core'
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

/** What there is of the inputs now. */
interface Inputs {
  /** By topic, where topics have ids. */
  readonly ids: ReadonlyMap<string, string>
  readonly begins: ReadonlyMap<string, number>
  readonly ends: ReadonlyMap<string, number>
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
    const inputs = await inputsOf(unlogged, admin)
    const found: OffsetCommit[] = []
    for (const { id, stores, committed } of unlogged) {
      const reason = whyAnew(stores, committed, inputs)
      if (reason !== undefined) await stores.beginAnew(reason)
      stores.inputs.ids = Object.fromEntries(
        committed.flatMap(({ topic }) => (inputs.ids.has(topic) ? [[topic, inputs.ids.get(topic) as string]] : [])),
      )
      for (const { known, offset } of differing(stores, committed)) {
        const begin = inputs.begins.get(partitionKey(known.topic, known.partition)) ?? 0
        const fields = { task: id, topic: known.topic, partition: known.partition, state: offset, committed: known.offset }
        if (offset < begin)
          logger.error({ ...fields, begin }, 'state without a changelog misses input that is gone: its topic begins later')
        else logger.warn(fields, 'reading goes on where state without a changelog is, not at what is committed')
        found.push({ ...known, offset: Math.max(offset, begin) })
      }
    }
    return found
  } catch (error) {
    await Promise.all(unlogged.map(({ stores }) => stores.close()))
    throw error
  }
}

async function inputsOf(tasks: readonly OpenedTask[], admin: TransportAdmin): Promise<Inputs> {
  const topics = [...new Set(tasks.flatMap(({ committed }) => committed.map(({ topic }) => topic)))]
  const partitions = tasks.flatMap(({ stores, committed }) =>
    differing(stores, committed).map(({ known: { topic, partition } }) => ({ topic, partition })),
  )
  const [described, begins, ends] = await Promise.all([
    admin.describeTopics(topics),
    admin.beginningOffsets(partitions),
    admin.endOffsets(partitions, 'read-uncommitted'),
  ])
  const ids = new Map(described.flatMap(({ topic, id }) => (id === undefined ? [] : [[topic, id] as const])))
  return { ids, begins: offsetsByPartition(begins), ends: offsetsByPartition(ends) }
}

/** The inputs in which the stores are elsewhere than what is committed. */
function differing({ inputs }: TaskStores, committed: readonly OffsetCommit[]): { known: OffsetCommit; offset: number }[] {
  return committed.flatMap((known) => {
    const offset = inputs.own.get(partitionKey(known.topic, known.partition))
    return offset === undefined || offset === known.offset ? [] : { known, offset }
  })
}

/** Why what the stores hold is of no use: an input that they are of is gone, and another has its name. */
function whyAnew(stores: TaskStores, committed: readonly OffsetCommit[], { ids, ends }: Inputs): string | undefined {
  for (const { topic } of committed) {
    const [then, now] = [stores.inputs.ids[topic], ids.get(topic)]
    if (then !== undefined && now !== undefined && then !== now) return `its input '${topic}' was deleted and created anew`
  }
  // Where topics have no ids.
  for (const { known, offset } of differing(stores, committed)) {
    if (offset > (ends.get(partitionKey(known.topic, known.partition)) ?? Infinity))
      return `it is at offset ${offset} of '${known.topic}', which ends before that: that was deleted and created anew`
  }
  return undefined
}
