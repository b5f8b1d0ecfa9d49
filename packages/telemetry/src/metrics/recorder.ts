import type {
  AssignmentEvent,
  BatchEvent,
  CommitEvent,
  CutEvent,
  FailureEvent,
  PassEndedEvent,
  RecoverEvent,
  RestoreEvent,
  RuntimeEvent,
} from '@millrace/core'
import { CATALOGUE, type MetricName } from './catalogue.ts'
import { CIRCUIT_VALUES } from './circuit-values.ts'
import { compatibleMetrics } from './compatible.ts'
import { Family, type Labels, type Series } from './family.ts'
import type { FailurePlaces } from './failure-places.ts'
import { type NodeSeries, PartitionSeries } from './partition-series.ts'

const COMMIT_REASONS: readonly CommitEvent['reason'][] = ['interval', 'records', 'bytes', 'request', 'revoke', 'drain']
const RECOVERY_STAGES: readonly RecoverEvent['stage'][] = ['commit', 'process', 'sink', 'store', 'source']

type Compatible = { readonly [Name in keyof ReturnType<typeof compatibleMetrics>]: Family }

export interface RecorderOptions {
  readonly application: string
  /** Prefix of the compatible names; undefined: they are left out. */
  readonly compatible: string | undefined
  /** Names of the stores that a task has. */
  readonly storesOf: (task: string) => readonly string[]
  /** Where records may fail. Default: not known before one has. */
  readonly places?: FailurePlaces | undefined
}

/** Counts what an observer is told. Series are looked up once and kept by task and topic, so that an event costs a few additions. */
export class Recorder {
  readonly events = [
    ...(['batch', 'cut', 'pass-ended', 'flush', 'commit', 'abort', 'recover', 'retry', 'failure', 'circuit'] as const),
    ...(['restore', 'standby', 'assigned', 'revoked', 'lost', 'state', 'thread'] as const),
  ]
  readonly application: string
  readonly families: Readonly<Record<MetricName, Family>>
  readonly compatible: Compatible | undefined
  /** By task, then by topic. */
  readonly #tasks = new Map<string, Map<string, PartitionSeries>>()
  /** Of the last event: the next one is mostly of the same pass. */
  #last: { readonly task: string; readonly topic: string; readonly part: PartitionSeries } | undefined
  readonly #restored = new Map<string, number>()
  readonly #storesOf: RecorderOptions['storesOf']
  readonly #places: FailurePlaces | undefined
  /** Topics whose records may fail, with all series of that. */
  readonly #prepared = new Set<string>()
  readonly #commit: Series
  readonly #flush: Series

  constructor({ application, compatible, storesOf, places }: RecorderOptions) {
    this.#storesOf = storesOf
    this.#places = places
    this.application = application
    this.families = familiesOf(CATALOGUE)
    this.compatible = compatible === undefined ? undefined : familiesOf(compatibleMetrics(compatible))
    this.#commit = this.families.commit.of(application)
    this.#flush = this.families.flush.of(application)
    for (const name of ['aborts', 'rebalances', 'committed', 'changelog'] as const) this.families[name].of(application)
    for (const reason of COMMIT_REASONS) this.families.commits.of(application, reason)
    for (const stage of RECOVERY_STAGES) this.families.recoveries.of(application, stage)
    for (const change of ['assigned', 'revoked', 'lost'] as const) this.families.assignments.of(application, change)
    for (const topic of places?.topics ?? []) this.#prepare(topic)
  }

  /** All metrics that there are. */
  get all(): readonly Family[] {
    return [...Object.values(this.families), ...Object.values(this.compatible ?? {})]
  }

  /** `at`: when it happened, in milliseconds since the epoch. */
  readonly observe = (event: RuntimeEvent, at = Date.now()): void => {
    switch (event.type) {
      case 'batch':
        return this.#batch(event)
      case 'cut':
        return this.#cut(event)
      case 'pass-ended':
        return this.#passEnded(event, at)
      case 'flush':
        return this.#flush.observe(event.durationMs / 1_000)
      case 'commit':
        this.families.commits.of(this.application, event.reason).add(1)
        this.families.committed.of(this.application).add(event.records)
        this.families.changelog.of(this.application).add(event.changelogRecords)
        return this.#commit.observe(event.durationMs / 1_000)
      case 'abort':
        return this.families.aborts.of(this.application).add(1)
      case 'recover':
        this.#madeAnew(new Set(event.tasks))
        return this.families.recoveries.of(this.application, event.stage).add(1)
      case 'retry': {
        const part = this.#part(event)
        part.retries.add(1)
        return part.retried.add(event.records)
      }
      case 'failure':
        return this.#failure(event)
      case 'circuit':
        return this.families.circuit.of(this.application, event.node, event.task).set(CIRCUIT_VALUES[event.to])
      case 'restore':
        return this.#restore(event)
      case 'standby': {
        const standby = this.families.standby.of(this.application, event.store, String(event.partition))
        if (event.phase === 'handed-over' || event.phase === 'stopped') return removeStore(this.families.standby, event)
        return standby.set(event.remainingRecords)
      }
      case 'assigned':
      case 'revoked':
      case 'lost':
        return this.#assignment(event)
      case 'state':
        if (event.to === 'rebalancing') this.families.rebalances.of(this.application).add(1)
        // There are no tasks any more that could have one.
        if (event.to === 'not-running' || event.to === 'error') this.families.circuit.removeWhere(() => true)
        return undefined
      case 'thread':
        return this.families.threadDeaths.of(this.application).add(event.phase === 'died' ? 1 : 0)
      default:
        return undefined
    }
  }

  /** What was counted of one topic of a task; undefined: nothing yet. */
  counted(task: string, topic: string): PartitionSeries | undefined {
    return this.#tasks.get(task)?.get(topic)
  }

  /** A partition that a task has: what concerns it is forgotten with the task, whether or not anything was counted of it. */
  has(task: string, topic: string, partition: number): void {
    this.#part({ task, topic, partition })
  }

  /** Tasks that there are: nothing is being restored of others, whatever was told last, and perhaps late, of them. */
  restoresOnly(tasks: Iterable<string>): void {
    const stores = this.#storesOfAll(tasks)
    this.families.restoring.removeWhere((labels) => !stores.has(storeKey(labels)))
  }

  /** What was counted of topics that a pattern has found and nobody here reads any more: there may be a new one each day. */
  forgetTopics(): void {
    const kept = new Set(this.#places?.topics)
    for (const topics of this.#tasks.values()) for (const topic of topics.keys()) kept.add(topic)
    const gone = new Set([...this.#prepared].filter((topic) => !kept.has(topic)))
    if (gone.size === 0) return
    for (const topic of gone) this.#prepared.delete(topic)
    for (const family of this.all)
      if (family.definition.labels.includes('topic')) family.removeWhere((labels) => gone.has(labels['topic'] as string))
  }

  #part({ task, topic, partition }: { readonly task: string; readonly topic: string; readonly partition: number }): PartitionSeries {
    const last = this.#last
    if (last !== undefined && last.task === task && last.topic === topic) return last.part
    let topics = this.#tasks.get(task)
    if (topics === undefined) this.#tasks.set(task, (topics = new Map<string, PartitionSeries>()))
    let part = topics.get(topic)
    if (part === undefined) {
      topics.set(topic, (part = new PartitionSeries(this, topic, String(partition))))
      this.#prepare(topic)
    }
    this.#last = { task, topic, part }
    return part
  }

  /** A series that begins with its first failure says of none that it was one more: Prometheus has to have seen the 0. */
  #prepare(topic: string): void {
    if (this.#prepared.has(topic)) return
    this.#prepared.add(topic)
    const { application, families, compatible } = this
    for (const { stage, node } of this.#places?.of(topic) ?? [])
      for (const name of ['failed', 'skipped', 'deadLettered'] as const) families[name].of(application, stage, node, topic)
    compatible?.deadLetters.of(application, topic)
  }

  #node(event: BatchEvent | FailureEvent): NodeSeries {
    return this.#part(event).node(event.stage, event.node)
  }

  #batch(event: BatchEvent): void {
    const node = this.#node(event)
    node.records.add(event.records)
    if (event.bytes > 0) node.bytes.add(event.bytes)
    node.seconds.observe(event.durationMs / 1_000)
  }

  #cut(event: CutEvent): void {
    const part = this.#part(event)
    part.batches(event.trigger).add(1)
    part.batchedRecords.add(event.records)
    part.lastBatch = event.records
    part.batchRecords.observe(event.records)
    part.batchBytes.observe(event.bytes)
    part.fill.observe(event.ageMs / 1_000)
    part.compatible?.size.observe(event.records)
  }

  #passEnded(event: PassEndedEvent, at: number): void {
    // Of a task that was taken away a pass may end late: nothing of it is counted anew.
    if (event.outcome === 'handed-back' && !this.#tasks.has(event.task)) return
    const part = this.#part(event)
    part.passes(event.outcome).add(1)
    part.pass.observe(event.durationMs / 1_000)
    if (event.waitedMs > 0) part.waited.add(event.waitedMs / 1_000)
    part.passEnded(at / 1_000)
    if (part.compatible === undefined) return
    const { batches, messages, duration } = part.compatible
    // Of a pass that is cut, or handed back, the first records are done all the same.
    if (event.done > event.givenUp) messages('success').add(event.done - event.givenUp)
    if (event.givenUp > 0) messages('failed').add(event.givenUp)
    if (event.outcome === 'handed-back' || event.outcome === 'cut') return
    const status = event.outcome === 'failed' ? 'failed' : event.givenUp > 0 ? 'partial' : 'success'
    batches(status).add(Math.max(1, event.batches))
    duration.observe(event.durationMs / 1_000)
  }

  #failure(event: FailureEvent): void {
    const { stage, node, topic } = event
    const labels = [this.application, stage, node, topic] as const
    this.families.failed.of(...labels).add(1)
    this.families[event.policy === 'skip' ? 'skipped' : 'deadLettered'].of(...labels).add(1)
    if (event.policy === 'dead-letter') this.compatible?.deadLetters.of(this.application, topic).add(1)
  }

  #restore(event: RestoreEvent): void {
    const { store, phase, restoredRecords, remainingRecords } = event
    const key = `${event.task} ${store}`
    const before = phase === 'started' ? 0 : (this.#restored.get(key) ?? 0)
    this.#restored.set(key, restoredRecords)
    const labels = [this.application, store, String(event.partition)] as const
    this.families.restored.of(...labels).add(Math.max(0, restoredRecords - before))
    this.families.restoring.of(...labels).set(remainingRecords)
    if (phase === 'completed') this.#restored.delete(key)
  }

  #assignment({ type, tasks }: AssignmentEvent): void {
    this.families.assignments.of(this.application, type).add(tasks.length)
    if (type === 'assigned') return
    this.#forget(new Set(tasks))
  }

  /** Their circuit breakers are closed, and their stores are read back from their beginning. */
  #madeAnew(tasks: ReadonlySet<string>): void {
    for (const key of this.#restored.keys()) if (tasks.has(key.slice(0, key.indexOf(' ')))) this.#restored.delete(key)
    this.families.circuit.removeWhere((labels) => tasks.has(labels['task'] as string))
  }

  /** What tasks had is elsewhere now: its series would stand still for ever. All at once: there may be thousands of both. */
  #forget(tasks: ReadonlySet<string>): void {
    const partitions = new Set<string>()
    for (const task of tasks) {
      for (const [topic, { partition }] of this.#tasks.get(task) ?? []) partitions.add(`${topic} ${partition}`)
      this.#tasks.delete(task)
    }
    this.#last = undefined
    this.#madeAnew(tasks)
    const gone = (labels: Labels) => partitions.has(`${labels['topic']} ${labels['partition']}`)
    for (const family of this.all) if (family.definition.labels.includes('partition')) family.removeWhere(gone)
    const stores = this.#storesOfAll(tasks)
    for (const name of ['entries', 'uncommitted', 'restoring', 'restored'] as const)
      this.families[name].removeWhere((labels) => stores.has(storeKey(labels)))
  }

  #storesOfAll(tasks: Iterable<string>): ReadonlySet<string> {
    const stores = new Set<string>()
    for (const task of tasks)
      for (const store of this.#storesOf(task)) stores.add(storeKey({ store, partition: task.slice(task.indexOf('_') + 1) }))
    return stores
  }
}

function storeKey(labels: Labels): string {
  return `${labels['store']} ${labels['partition']}`
}

function removeStore(family: Family, { store, partition }: { readonly store: string; readonly partition: number }): void {
  family.removeWhere((labels) => labels['store'] === store && labels['partition'] === String(partition))
}

function familiesOf<Name extends string>(
  definitions: Readonly<Record<Name, ConstructorParameters<typeof Family>[0]>>,
): Readonly<Record<Name, Family>> {
  const entries = Object.entries(definitions) as [Name, ConstructorParameters<typeof Family>[0]][]
  return Object.fromEntries(entries.map(([name, definition]) => [name, new Family(definition)])) as Record<Name, Family>
}
