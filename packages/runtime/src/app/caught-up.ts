import {
  MillraceError,
  type OffsetCommit,
  partitionKey,
  systemClock,
  type Topology,
  type TopicPartition,
  type TransportAdmin,
} from '@millrace/core'
import type { Broadcast } from '../internal/broadcast.ts'
import { offsetsByPartition } from '../internal/offsets-by-partition.ts'
import { resolveTopic } from '../internal/topic-names.ts'
import { inputsOf, type TopicPlan } from './topic-plan.ts'

/** How often progress is looked at while waiting to be caught up. */
const LOOK_MS = 25

export interface CaughtUpOptions {
  readonly plan: TopicPlan
  readonly applicationId: string
  readonly admin: TransportAdmin
  /** Commits what is finished, then waits until something more may have been. Rejects when the application ends. */
  readonly next: () => Promise<void>
}

/**
 * Resolves once everything that was in the inputs at the call has been processed and committed, by whichever members of the group: first the
 * outside topics, then, stage by stage, the repartition topics as they stand when all that feeds them is committed. Brokers that are away are waited
 * for, as the application does.
 */
export async function waitUntilCaughtUp(options: CaughtUpOptions): Promise<void> {
  const { admin, applicationId, next } = options
  const plan = await patiently(() => planAsOfNow(options), next)
  for (const topics of stages({ ...options, plan })) {
    const partitions = topics.flatMap((topic) => partitionsOf(topic, plan))
    if (partitions.length === 0) continue
    const [begins, ends] = await patiently(
      () => Promise.all([admin.beginningOffsets(partitions), admin.endOffsets(partitions, 'read-uncommitted')]),
      next,
    )
    const empty = offsetsByPartition(begins)
    const targets = ends.filter(({ topic, partition, offset }) => offset > (empty.get(partitionKey(topic, partition)) ?? 0))
    const committed = () => patiently(() => admin.committedOffsets(applicationId, targets), next)
    while (targets.length > 0 && !reached(targets, await committed())) await next()
  }
}

/** Waits for a pass to end or an assignment to change, here; for other members of the group there is only time. */
export async function progressOrTime(progress: Broadcast): Promise<void> {
  let cancel: () => void = () => undefined
  const time = new Promise<void>((resolve) => {
    cancel = systemClock.after(LOOK_MS, resolve)
  })
  await Promise.race([progress.wait(), time])
  cancel()
}

/** Asks again, after `next`, while errors say that this may help. */
async function patiently<T>(question: () => Promise<T>, next: () => Promise<void>): Promise<T> {
  for (;;) {
    try {
      return await question()
    } catch (error) {
      if (!(error instanceof MillraceError && error.retryable)) throw error
      await next()
    }
  }
}

/** With what was created since the start: topics that match a pattern, and partitions. */
async function planAsOfNow({ plan, applicationId, admin }: CaughtUpOptions): Promise<TopicPlan> {
  const existing = await admin.describeTopics(plan.subscription)
  const subTopologies = plan.subTopologies.map((one) => ({ ...one, inputs: inputsOf(one.subTopology, existing, applicationId) }))
  return { ...plan, subTopologies, partitions: new Map(existing.map(({ topic, partitions }) => [topic, partitions])) }
}

function reached(targets: readonly OffsetCommit[], committed: readonly OffsetCommit[]): boolean {
  const offsets = offsetsByPartition(committed)
  return targets.every(({ topic, partition, offset }) => (offsets.get(partitionKey(topic, partition)) ?? -1) >= offset)
}

/** Input topics in the order in which records flow through them: outside topics, then what is written from them, and so on. */
function stages({ plan, applicationId }: CaughtUpOptions): string[][] {
  const isRepartition = (node: Topology['nodes'][number], topic: string) =>
    node.kind === 'sink' &&
    typeof node.topic === 'object' &&
    node.topic.kind === 'repartition' &&
    resolveTopic(node.topic, applicationId) === topic
  const depth = new Map<string, number>()
  // Each round carries depths one repartition further; topics in a circle stop growing at the number of sub-topologies.
  for (let round = 0; round < plan.subTopologies.length; round++) {
    for (const { subTopology, inputs } of plan.subTopologies) {
      for (const { topic, source } of inputs) {
        if (!source.topics.some((ref) => ref.kind === 'repartition' && resolveTopic(ref, applicationId) === topic)) depth.set(topic, 0)
      }
      const deepest = Math.max(0, ...inputs.map(({ topic }) => depth.get(topic) ?? 0))
      for (const other of plan.subTopologies) {
        for (const { topic } of other.inputs) {
          if (subTopology.nodes.some((node) => isRepartition(node, topic))) depth.set(topic, Math.max(depth.get(topic) ?? 0, deepest + 1))
        }
      }
    }
  }
  const ordered: string[][] = []
  for (const [topic, at] of depth) (ordered[at] ??= []).push(topic)
  return Array.from(ordered, (topics) => topics ?? [])
}

function partitionsOf(topic: string, plan: TopicPlan): TopicPartition[] {
  const count = plan.partitions.get(topic) ?? 0
  return Array.from({ length: count }, (_, partition) => ({ topic, partition }))
}
