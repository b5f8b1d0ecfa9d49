import { describeValue } from '../internal/describe-value.ts'
import { isObject } from '../internal/is-object.ts'
import { readsTopic } from '../topology/reads-topic.ts'
import { repartitionTopic } from '../topology/repartition-topic.ts'
import type { SourceNode, Topology } from '../topology/topology.ts'
import type { AppBatchOptions, BatchingChange, BatchOptions, SourceBatchOptions } from './batch-options.ts'
import { BATCH_OPTIONS, batchOptionsProblems, batchPolicyProblems } from './batch-options-problems.ts'
import type { BatchPolicy } from './batch-policy.ts'
import { laterChange } from './later-change.ts'
import { memoryProblems } from './memory-problems.ts'
import { resolveBatchPolicy } from './resolve-batch-policy.ts'

const CHANGEABLE = ['source', 'topic', ...BATCH_OPTIONS]
/** What only the definition says. */
const FIXED = ['topics', 'memoryBudgetBytes'] as const satisfies (keyof AppBatchOptions)[]

/** Everything that was said of batching, but for what sources say themselves. */
export interface BatchSettings {
  readonly app: AppBatchOptions
  readonly environment: BatchOptions
  /** What was changed while the application ran; at most one for each `source` and `topic`. */
  readonly changes: readonly BatchingChange[]
  readonly memoryBudgetBytes: number
}

/** Whose settings they are. */
export interface BatchedApp {
  readonly topology: Topology
  readonly applicationId: string
}

/** What one topic is read by. */
export interface BatchedTopic {
  readonly topic: string
  readonly source: SourceNode
}

/** The policy of one topic. Changes at run time count most, then the environment, the topic, the source, the application, defaults. */
export function batchPolicyOf({ app, environment, changes }: BatchSettings, { topic, source }: BatchedTopic): BatchPolicy {
  const changed = changes.filter((change) => concerns(change, { topic, source })).toSorted((a, b) => scopeOf(a) - scopeOf(b))
  return resolveBatchPolicy([app, source.batch, ownOf(app.topics, topic), ownOf(source.batch.topics, topic), environment, ...changed])
}

/** Whether a change is meant for a topic. */
export function concerns(change: BatchingChange, { topic, source }: BatchedTopic): boolean {
  return (change.source === undefined || change.source === source.name) && (change.topic === undefined || change.topic === topic)
}

/** The settings after a change, which is laid over earlier ones of the same scope. */
export function changeBatching(settings: BatchSettings, change: BatchingChange): BatchSettings {
  const isSame = ({ source, topic }: BatchingChange) => source === change.source && topic === change.topic
  const changes = [...settings.changes.filter((other) => !isSame(other)), laterChange(settings.changes.find(isSame) ?? {}, change)]
  return Object.freeze({ ...settings, changes })
}

/** What the policies of a topology's topics contradict themselves in. */
export function settingsProblems(settings: BatchSettings, { topology, applicationId }: BatchedApp): string[] {
  const topicsOf = new Map<string, string[]>()
  for (const source of sourcesOf(topology)) {
    const named = source.topics.flatMap((ref) => {
      if (ref.kind === 'pattern') return []
      return [ref.kind === 'name' ? ref.topic : repartitionTopic(applicationId, ref.name)]
    })
    const special = [...Object.keys(settings.app.topics ?? {}), ...settings.changes.flatMap(({ topic }) => topic ?? [])]
    for (const topic of new Set([...named, ...special.filter((one) => readsTopic(source, one, applicationId))]))
      for (const problem of batchPolicyProblems(batchPolicyOf(settings, { topic, source })))
        topicsOf.set(problem, [...(topicsOf.get(problem) ?? []), `'${topic}'`])
  }
  return [...topicsOf].map(([problem, topics]) => `The batch policy of ${topics.join(', ')}: ${problem}`)
}

/** What keeps a change from being made, one sentence each. `settings`: what it would change. */
export function changeProblems(settings: BatchSettings, change: BatchingChange, app: BatchedApp): string[] {
  if (!isObject(change)) return [`The change is ${describeValue(change)}; use an object of batch options.`]
  const problems = batchOptionsProblems((option) => option, change, ['source', 'topic', ...FIXED])
  const given: AppBatchOptions = change
  for (const name of FIXED) if (given[name] !== undefined) problems.push(`${name} can't be changed; use ${CHANGEABLE.join(', ')}.`)
  problems.push(...memoryProblems('maxMemoryBytes', change, settings.memoryBudgetBytes))
  const { source, topic } = change
  const sources = sourcesOf(app.topology)
  const meant = source === undefined ? sources : sources.filter(({ name }) => name === source)
  if (meant.length === 0)
    problems.push(`source is ${describeValue(source)}; use one of ${sources.map(({ name }) => `'${name}'`).join(', ')}.`)
  else if (topic !== undefined && !(typeof topic === 'string' && meant.some((node) => readsTopic(node, topic, app.applicationId))))
    problems.push(`topic is ${describeValue(topic)}; use one that ${source === undefined ? 'a source' : `source '${source}'`} reads.`)
  return problems.length > 0 ? problems : settingsProblems(changeBatching(settings, change), app)
}

/** Names of topics with options of their own that no source reads. */
export function unreadTopics({ topics }: AppBatchOptions, { topology, applicationId }: BatchedApp): string[] {
  const sources = sourcesOf(topology)
  return Object.keys(topics ?? {}).filter((topic) => !sources.some((source) => readsTopic(source, topic, applicationId)))
}

export function sourcesOf(topology: Topology): SourceNode[] {
  return topology.nodes.filter((node) => node.kind === 'source')
}

function ownOf(topics: SourceBatchOptions['topics'], topic: string): BatchOptions {
  return topics !== undefined && Object.hasOwn(topics, topic) ? (topics[topic] as BatchOptions) : {}
}

/** The narrower the scope of a change, the more it counts. */
function scopeOf({ source, topic }: BatchingChange): number {
  return (source === undefined ? 0 : 1) + (topic === undefined ? 0 : 2)
}
