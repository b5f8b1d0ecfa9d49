import { randomUUID } from 'node:crypto'
import {
  type AppHealth,
  type FailureEvent,
  readsTopic,
  type RestoreEvent,
  type RuntimeEvent,
  type StandbyEvent,
  type Topology,
  type TopologyNode,
} from '@millrace/core'
import type { ReadinessReport } from '../health/readiness.ts'
import type { Recorder } from '../metrics/recorder.ts'
import type { Sample } from '../metrics/sampler.ts'
import { threadsOf } from './threads-of.ts'
import { type TopologyGraph, topologyGraph } from './topology-graph.ts'

/** How much is remembered. */
const MAX_DEAD_LETTERS = 100
const MAX_CHANGES = 200
const MAX_TEXT = 2_000
/** Of a key or a value. */
const MAX_BYTES = 2_000

export interface Snapshot {
  readonly health: AppHealth
  readonly sample: Sample
  readonly readiness: ReadinessReport
  /** What was told before: by which process, and up to which dead letter. */
  readonly told?: { readonly instance: string; readonly after: number } | undefined
}

/** What the dashboard shows: what was counted, and what happened lately. */
export class LiveView {
  readonly events = [
    ...([
      'batch',
      'failure',
      'state',
      'circuit',
      'recover',
      'abort',
      'assigned',
      'revoked',
      'lost',
      'restore',
      'standby',
      'thread',
    ] as const),
  ]
  readonly #application: string
  readonly #recorder: Recorder
  readonly #graph: TopologyGraph
  readonly #now: () => number
  /** Of nodes with several parents: by parent, then by child. */
  readonly #edges = new Map<string, Map<string, number>>()
  readonly #onlyParent: ReadonlyMap<string, string>
  /** Records given up, by topic and partition: a sink outside of the log refuses them under its own name, not that of a task. */
  readonly #givenUp = new Map<string, number>()
  /** The latest first. */
  readonly #deadLetters: { readonly number: number }[] = []
  readonly #instance = randomUUID()
  #letters = 0
  readonly #changes: object[] = []
  readonly #restores = new Map<
    string,
    Pick<RestoreEvent, 'task' | 'store' | 'phase' | 'restoredRecords' | 'remainingRecords' | 'durationMs'>
  >()
  /** Those that go on, or are tried again. */
  readonly #standbys = new Map<string, Pick<StandbyEvent, 'task' | 'store' | 'phase' | 'remainingRecords' | 'writtenRecords'>>()
  readonly #topology: Topology

  constructor(topology: Topology, { recorder, now }: { readonly recorder: Recorder; readonly now: () => number }) {
    const { application } = recorder
    this.#application = application
    this.#recorder = recorder
    this.#topology = topology
    this.#graph = topologyGraph(topology, application)
    this.#now = now
    this.#onlyParent = new Map(topology.nodes.flatMap(({ name, parents }) => (parents.length === 1 ? [[name, parents[0] as string]] : [])))
  }

  readonly observe = (event: RuntimeEvent): void => {
    switch (event.type) {
      case 'batch':
        if (event.from !== undefined) for (const part of event.from) this.#flowed(part.node, event.node, part.records)
        return undefined
      case 'failure':
        this.#gaveUp(event)
        return this.#deadLetter(event)
      case 'state':
        return this.#changed({ what: 'state', detail: `${event.from} → ${event.to}` })
      case 'circuit':
        return this.#changed({ what: 'circuit', detail: `${event.node} in task ${event.task}: ${event.to}` })
      case 'recover':
        return this.#changed({ what: 'recover', detail: `${event.tasks.join(', ')}: ${event.error.message}` })
      case 'abort':
        return this.#changed({ what: 'abort', detail: event.error.message })
      case 'assigned':
        return this.#changed({ what: event.type, detail: `tasks ${event.tasks.join(', ')}` })
      case 'revoked':
      case 'lost':
        this.#forget(event.tasks)
        return this.#changed({ what: event.type, detail: `tasks ${event.tasks.join(', ')}` })
      case 'restore': {
        const { task, store, phase, restoredRecords, remainingRecords, durationMs } = event
        this.#restores.set(`${task} ${store}`, { task, store, phase, restoredRecords, remainingRecords, durationMs })
        return undefined
      }
      case 'standby':
        return this.#standby(event)
      case 'thread': {
        const why = event.error === undefined ? '' : `: ${event.error.message}`
        return this.#changed({ what: 'thread', detail: `thread ${event.thread} ${event.phase}${why}` })
      }
      default:
        return undefined
    }
  }

  /** All of it, as plain data; of dead letters, those that were not told to who asks. */
  snapshot({ health, sample, readiness, told }: Snapshot): object {
    const after = told?.instance === this.#instance ? told.after : 0
    const lags = new Map(sample.lag.map(({ topic, partition, lag }) => [`${topic} ${partition}`, lag]))
    const nodes = this.#processed()
    const threads = threadsOf(health)
    const tasks = new Set(health.tasks.map(({ task }) => task))
    return {
      application: this.#application,
      instance: this.#instance,
      now: this.#now(),
      readiness,
      graph: this.#graph,
      nodes: Object.fromEntries(nodes),
      edges: this.#flows(nodes),
      partitions: health.tasks.flatMap(({ task, state, partitions, pass, waitsFor, circuits }) =>
        partitions.map(({ topic, partition, position, waitingRecords, batchSize }) => ({
          ...{ task, thread: threads.get(task), state, topic, partition, position, waitingRecords, batchSize, waitsFor, circuits },
          lag: lags.get(`${topic} ${partition}`),
          inFlight: pass?.topic === topic ? Math.max(1, pass.batches) : 0,
          ...this.#counted(task, topic, partition),
        })),
      ),
      threads: health.threads,
      sinks: health.sinks,
      stores: sample.stores,
      // One may end when its task is gone.
      restores: [...this.#restores.values()].filter(({ task }) => tasks.has(task)),
      standbys: [...this.#standbys.values()],
      deadLetters: this.#deadLetters.filter(({ number }) => number > after),
      changes: this.#changes,
    }
  }

  /** Records that went into each node. */
  #processed(): Map<string, number> {
    const nodes = new Map<string, number>()
    for (const { labels, value } of this.#recorder.families.records.all) {
      const node = labels['node'] as string
      nodes.set(node, (nodes.get(node) ?? 0) + value)
    }
    return nodes
  }

  #flows(nodes: ReadonlyMap<string, number>): { from: string; to: string; records: number }[] {
    const several = [...this.#edges].flatMap(([from, to]) => [...to].map(([child, records]) => ({ from, to: child, records })))
    const single = [...this.#onlyParent].flatMap(([to, from]) => (nodes.has(to) ? [{ from, to, records: nodes.get(to) as number }] : []))
    return [...single, ...several]
  }

  #counted(task: string, topic: string, partition: number): object | undefined {
    const counted = this.#recorder.counted(task, topic)
    if (counted === undefined) return undefined
    const { batchedRecords, lastBatch, retries, batches } = counted
    return {
      records: batchedRecords.value,
      lastBatch,
      retries: retries.value,
      givenUp: this.#givenUp.get(`${topic} ${partition}`) ?? 0,
      triggers: Object.fromEntries([...batches.known].map(([trigger, { value }]) => [trigger, value])),
    }
  }

  #flowed(parent: string, child: string, records: number): void {
    let to = this.#edges.get(parent)
    if (to === undefined) this.#edges.set(parent, (to = new Map<string, number>()))
    to.set(child, (to.get(child) ?? 0) + records)
  }

  #standby({ task, store, phase, remainingRecords, writtenRecords }: StandbyEvent): void {
    const key = `${task} ${store}`
    if (phase === 'handed-over' || phase === 'stopped') this.#standbys.delete(key)
    else this.#standbys.set(key, { task, store, phase, remainingRecords, writtenRecords })
  }

  #deadLetter({ policy, stage, node, topic, partition, offset, attempts, error, record }: FailureEvent): void {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    const letter = {
      number: ++this.#letters,
      at: this.#now(),
      policy,
      stage,
      node,
      topic,
      partition,
      offset,
      attempts,
      reason: reason.length > MAX_TEXT ? `${reason.slice(0, MAX_TEXT)}…` : reason,
    }
    const [key, value] = [textOf(record?.key), textOf(record?.value)]
    const shown = {
      ...letter,
      key,
      value,
      keyBytes: record?.key?.length ?? 0,
      valueBytes: record?.value?.length ?? 0,
      shownBytes: MAX_BYTES,
    }
    this.#deadLetters.unshift(shown)
    this.#deadLetters.length = Math.min(this.#deadLetters.length, MAX_DEAD_LETTERS)
  }

  #changed(change: { readonly what: string; readonly detail: string }): void {
    this.#changes.unshift({ at: this.#now(), ...change, detail: change.detail.slice(0, MAX_TEXT) })
    this.#changes.length = Math.min(this.#changes.length, MAX_CHANGES)
  }

  #gaveUp({ topic, partition }: FailureEvent): void {
    const key = `${topic} ${partition}`
    this.#givenUp.set(key, (this.#givenUp.get(key) ?? 0) + 1)
  }

  #forget(tasks: readonly string[]): void {
    const gone = new Set(tasks)
    for (const [key, { task }] of this.#restores) if (gone.has(task)) this.#restores.delete(key)
    for (const key of this.#givenUp.keys()) {
      const [topic, partition] = key.split(' ') as [string, string]
      if (this.#subTopologiesOf(topic).some((index) => gone.has(`${index}_${partition}`))) this.#givenUp.delete(key)
    }
  }

  /** Those that read a topic. */
  #subTopologiesOf(topic: string): readonly number[] {
    const reads = (node: TopologyNode) => node.kind === 'source' && readsTopic(node, topic, this.#application)
    return this.#topology.subTopologies.flatMap(({ index, nodes }) => (nodes.some(reads) ? [index] : []))
  }
}

/** Bytes as a person reads them: as text where they are any, else in hexadecimal digits. */
function textOf(bytes: Uint8Array | null | undefined): string | null {
  if (bytes == null) return null
  const shown = bytes.subarray(0, MAX_BYTES)
  try {
    // A character may be cut in two at the end.
    return new TextDecoder('utf-8', { fatal: true }).decode(shown, { stream: true })
  } catch {
    return `0x${Buffer.from(shown).toString('hex')}`
  }
}
