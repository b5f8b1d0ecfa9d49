import { join } from 'node:path'
import {
  type Logger,
  MillraceError,
  repartitionTopic,
  type ResolvedDefinition,
  type SourceNode,
  type SubTopology,
  systemClock,
  type TopicDescription,
  type Topology,
  type TransportAdmin,
} from '@millrace/core'
import { changelogTopic, resolveTopic } from '../internal/topic-names.ts'
import { changelogSettings } from '../store/changelog-settings.ts'
import { changelogKind } from '../store/changelogged-store.ts'
import { checkTopicSettings } from './check-topic-settings.ts'
import { type InternalTopic, REPARTITION_CONFIG } from './internal-topics.ts'
import { SettingsMemory } from './settings-memory.ts'

/** One sub-topology with the topics that exist for it. */
export interface PlannedSubTopology {
  readonly subTopology: SubTopology
  /** Its input topics, each with the source node that reads it, in the order of the nodes. */
  readonly inputs: readonly { readonly topic: string; readonly source: SourceNode }[]
  /** Partitions of each input, and so the number of its tasks. */
  readonly partitions: number
}

export interface TopicPlan {
  readonly subTopologies: readonly PlannedSubTopology[]
  /** What to subscribe to. */
  readonly subscription: readonly (string | RegExp)[]
  /** A task needs the same partition of several topics. */
  readonly coLocate: boolean
  /** Names of the repartition topics. */
  readonly repartitions: ReadonlySet<string>
  /** Partitions by topic, for all that is known. */
  readonly partitions: ReadonlyMap<string, number>
  /** For how long compaction leaves deletions in changelogs, in milliseconds, as far as that is known. */
  readonly deletionRetentions: ReadonlyMap<string, number>
}

/**
 * Looks up the input topics, works out how many partitions the internal ones need, checks co-partitioning and the settings of internal topics that
 * exist, and creates what is missing. Rejects with a `MillraceError` that names the topics and what is wrong with them; nothing is created then.
 */
export async function planTopics(
  topology: Topology,
  definition: ResolvedDefinition,
  admin: TransportAdmin,
  logger: Logger,
): Promise<TopicPlan> {
  const { applicationId } = definition
  const refs = topology.nodes.flatMap((node) => (node.kind === 'source' ? node.topics : []))
  const subscription = refs.map((ref) => resolveTopic(ref, applicationId))
  const written = topology.nodes.flatMap((node) =>
    node.kind === 'sink' && typeof node.topic === 'object' ? [resolveTopic(node.topic, applicationId)] : [],
  )
  const { topic: deadLetters } = definition.failure.deadLetter
  if (typeof deadLetters === 'string') written.push(deadLetters)
  const existing = await admin.describeTopics([...new Set([...subscription, ...written])])
  const partitions = new Map(existing.map(({ topic, partitions: count }) => [topic, count]))
  checkNamedTopics(topology, partitions)
  if (typeof deadLetters === 'string' && !partitions.has(deadLetters)) throw deadLettersMissing(deadLetters)
  const inputs = topology.subTopologies.map((subTopology) => inputsOf(subTopology, existing, applicationId))
  checkSourceChangelogs(topology)
  const repartitioned = planRepartitions(topology, { inputs, partitions, applicationId })
  const planned = topology.subTopologies.map((subTopology, i) => ({
    subTopology,
    inputs: inputs[i] as PlannedSubTopology['inputs'],
    partitions: commonCount(subTopology, inputs[i] as PlannedSubTopology['inputs'], partitions),
  }))
  const internal = [...repartitioned, ...(await planChangelogs(planned, admin, applicationId)), ...tablesOf(planned)]
  const memory = new SettingsMemory(join(definition.stateDir, applicationId), definition.clock ?? systemClock, admin)
  const deletionRetentions = await checkTopicSettings(internal, { admin, logger, memory })
  await createTopics(
    admin,
    definition,
    internal.filter(({ exists }) => !exists),
  )
  const coLocate = planned.some(({ inputs: own }) => own.length > 1)
  const repartitions = new Set(refs.flatMap((ref) => (ref.kind === 'repartition' ? [repartitionTopic(applicationId, ref.name)] : [])))
  return { subTopologies: planned, subscription, coLocate, repartitions, partitions, deletionRetentions }
}

function deadLettersMissing(topic: string): MillraceError {
  const message = `Topic '${topic}', which failure.deadLetter names, does not exist: create it, or correct the name.`
  return new MillraceError('TOPIC_MISSING', message, { stage: 'sink', topic })
}

function checkNamedTopics(topology: Topology, partitions: ReadonlyMap<string, number>): void {
  for (const node of topology.nodes) {
    const refs = node.kind === 'source' ? node.topics : node.kind === 'sink' && typeof node.topic === 'object' ? [node.topic] : []
    for (const ref of refs) {
      if (ref.kind !== 'name' || partitions.has(ref.topic)) continue
      throw new MillraceError(
        'TOPIC_MISSING',
        `Topic '${ref.topic}', which ${node.kind} '${node.name}' ${node.kind === 'source' ? 'reads' : 'writes'}, does not exist: create it, or correct the name.`,
        { stage: node.kind === 'source' ? 'source' : 'sink', node: node.name, topic: ref.topic },
      )
    }
  }
}

/** A store that is restored from an input topic has to be in the tasks that read it, and is the only one. */
function checkSourceChangelogs({ subTopologies }: Topology): void {
  const restored = new Map<string, string>()
  for (const subTopology of subTopologies) checkSourceChangelogsOf(subTopology, restored)
}

/** `restored`: the stores that are restored from input topics, by topic. */
function checkSourceChangelogsOf({ nodes, stores, index }: SubTopology, restored: Map<string, string>): void {
  const named = new Set(
    nodes.flatMap((node) => (node.kind === 'source' ? node.topics : [])).flatMap((ref) => (ref.kind === 'name' ? ref.topic : [])),
  )
  for (const { name, shape, changelog } of stores) {
    const topic = changelog === false ? undefined : changelog?.sourceTopic
    if (topic === undefined) continue
    const other = restored.get(topic)
    if (other !== undefined) {
      throw new MillraceError(
        'CHANGELOG_SOURCE',
        `Stores '${other}' and '${name}' are both to be restored from '${topic}', which can be the changelog of one: give the other its own.`,
        { stage: 'store', topic },
      )
    }
    restored.set(topic, name)
    if (named.has(topic) && shape !== 'window' && shape !== 'session') continue
    throw new MillraceError(
      'CHANGELOG_SOURCE',
      named.has(topic)
        ? `Store '${name}' can't be restored from input topic '${topic}': its keys are windows, and the topic's are not.`
        : `Store '${name}' is to be restored from '${topic}', which no source of sub-topology ${index} reads by that name: name one of its input topics.`,
      { stage: 'store', topic },
    )
  }
}

/** The topics that a sub-topology reads, of those that exist where it names a pattern. */
export function inputsOf(
  subTopology: SubTopology,
  existing: readonly TopicDescription[],
  applicationId: string,
): { topic: string; source: SourceNode }[] {
  const inputs: { topic: string; source: SourceNode }[] = []
  for (const node of subTopology.nodes) {
    if (node.kind !== 'source') continue
    for (const ref of node.topics) {
      const resolved = resolveTopic(ref, applicationId)
      if (typeof resolved === 'string') inputs.push({ topic: resolved, source: node })
      else for (const { topic } of existing) if (matches(resolved, topic)) inputs.push({ topic, source: node })
    }
  }
  return inputs
}

export function matches(pattern: RegExp, topic: string): boolean {
  pattern.lastIndex = 0
  return pattern.test(topic)
}

interface RepartitionState {
  readonly inputs: readonly (readonly { readonly topic: string }[])[]
  readonly partitions: Map<string, number>
  readonly applicationId: string
}

/**
 * Counts for repartition topics: what the topology says; else that of the topics they are read together with; else the largest input of the
 * sub-topologies that write them. Adds them to `partitions`.
 */
function planRepartitions(topology: Topology, { inputs, partitions, applicationId }: RepartitionState): InternalTopic[] {
  const pending = new Map<string, { explicit: number | undefined; writers: number[]; reader: number }>()
  topology.subTopologies.forEach((subTopology, reader) => {
    for (const node of subTopology.nodes) {
      if (node.kind !== 'source') continue
      for (const ref of node.topics) {
        if (ref.kind !== 'repartition') continue
        const topic = repartitionTopic(applicationId, ref.name)
        const writers = topology.subTopologies.flatMap(({ nodes }, i) =>
          nodes.some((other) => writesTo(other, topic, applicationId)) ? [i] : [],
        )
        pending.set(topic, { explicit: ref.partitions, writers, reader })
      }
    }
  })
  const planned: InternalTopic[] = []
  let progress = true
  while (pending.size > 0 && progress) {
    progress = false
    for (const [topic, { explicit, writers, reader }] of pending) {
      const count = explicit ?? countTogether(topic, inputs[reader] ?? [], partitions, pending) ?? largest(writers, inputs, partitions)
      if (count === undefined) continue
      pending.delete(topic)
      progress = true
      const actual = partitions.get(topic)
      if (actual === undefined) partitions.set(topic, count)
      else if (actual !== count) throw wrongCount(topic, actual, count, 'repartition')
      planned.push({ topic, kind: 'repartition', partitions: count, config: REPARTITION_CONFIG, exists: actual !== undefined })
    }
  }
  const [unknown] = pending.keys()
  if (unknown !== undefined) {
    throw new MillraceError(
      'PARTITIONS_UNKNOWN',
      `How many partitions '${unknown}' needs can't be worked out (its inputs go round in a circle): say so with repartition's option 'partitions'.`,
      {
        stage: 'source',
        topic: unknown,
      },
    )
  }
  return planned
}

function writesTo(node: Topology['nodes'][number], topic: string, applicationId: string): boolean {
  return node.kind === 'sink' && typeof node.topic === 'object' && resolveTopic(node.topic, applicationId) === topic
}

function countTogether(
  topic: string,
  inputs: readonly { readonly topic: string }[],
  partitions: ReadonlyMap<string, number>,
  pending: ReadonlyMap<string, unknown>,
): number | undefined {
  for (const input of inputs) if (input.topic !== topic && !pending.has(input.topic)) return partitions.get(input.topic)
  return undefined
}

function largest(
  writers: readonly number[],
  inputs: RepartitionState['inputs'],
  partitions: ReadonlyMap<string, number>,
): number | undefined {
  let most: number | undefined
  for (const writer of writers) {
    for (const { topic } of inputs[writer] ?? []) {
      const count = partitions.get(topic)
      if (count === undefined) return undefined
      if (most === undefined || count > most) most = count
    }
  }
  return most
}

function commonCount(subTopology: SubTopology, inputs: PlannedSubTopology['inputs'], partitions: ReadonlyMap<string, number>): number {
  const counts = inputs.map(({ topic }) => partitions.get(topic) ?? 0)
  const [first] = counts
  if (counts.some((count) => count !== first)) {
    const list = inputs.map(({ topic }, i) => `'${topic}' has ${counts[i]}`).join(', ')
    throw new MillraceError(
      'NOT_CO_PARTITIONED',
      `The topics that sub-topology ${subTopology.index} reads together need the same number of partitions, but ${list}. ` +
        `Bring one to the other's count with repartition(), or read them in topologies that share no node and no store.`,
      { stage: 'source' },
    )
  }
  return first ?? 0
}

async function planChangelogs(
  planned: readonly PlannedSubTopology[],
  admin: TransportAdmin,
  applicationId: string,
): Promise<InternalTopic[]> {
  const wanted = planned.flatMap(({ subTopology, partitions }) =>
    subTopology.stores
      .filter((store) => changelogKind(store) === 'own')
      .map((store) => ({ topic: changelogTopic(applicationId, store.name), partitions, config: changelogSettings(store) })),
  )
  if (wanted.length === 0) return []
  const existing = new Map(
    (await admin.describeTopics(wanted.map(({ topic }) => topic))).map(({ topic, partitions }) => [topic, partitions]),
  )
  return wanted.map((one) => {
    const actual = existing.get(one.topic)
    if (actual !== undefined && actual !== one.partitions) throw wrongCount(one.topic, actual, one.partitions, 'changelog')
    return { ...one, kind: 'changelog', exists: actual !== undefined }
  })
}

/** Input topics that stores are restored from. */
function tablesOf(planned: readonly PlannedSubTopology[]): InternalTopic[] {
  return planned.flatMap(({ subTopology, partitions }) =>
    subTopology.stores.flatMap(({ changelog }) => {
      const topic = changelog === false ? undefined : changelog?.sourceTopic
      return topic === undefined ? [] : [{ topic, kind: 'table' as const, partitions, config: {}, exists: true }]
    }),
  )
}

async function createTopics(admin: TransportAdmin, definition: ResolvedDefinition, topics: readonly InternalTopic[]): Promise<void> {
  if (topics.length === 0) return
  const { replicationFactor } = definition
  await admin.createTopics(topics.map(({ topic, partitions, config }) => ({ topic, partitions, config, replicationFactor })))
}

function wrongCount(topic: string, actual: number, wanted: number, kind: string): MillraceError {
  return new MillraceError(
    'PARTITION_COUNT',
    `The ${kind} topic '${topic}' has ${actual} partitions but needs ${wanted}: were partitions added to an input topic? Stop the application, and reset it or create the topic anew.`,
    { stage: 'store', topic },
  )
}
