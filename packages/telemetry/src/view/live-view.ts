import type { AppHealth, BatchEvent, FailureEvent, RuntimeEvent, Topology } from '@millrace/core'
import type { ReadinessReport } from '../health/readiness.ts'
import type { Sample } from '../metrics/sampler.ts'
import { type TopologyGraph, topologyGraph } from './topology-graph.ts'

/** How much is remembered. */
const MAX_DEAD_LETTERS = 100
const MAX_CHANGES = 200
const MAX_TEXT = 2_000

interface PartitionCounts {
  records: number
  batches: number
  lastBatch: number
  retries: number
  givenUp: number
  readonly triggers: Record<string, number>
}

/** What the dashboard shows, gathered from events: counts that only grow, and what happened lately. */
export class LiveView {
  readonly #application: string
  readonly #graph: TopologyGraph
  readonly #now: () => number
  readonly #nodes = new Map<string, number>()
  /** By parent, then by child. */
  readonly #edges = new Map<string, Map<string, number>>()
  readonly #onlyParent: ReadonlyMap<string, string>
  readonly #partitions = new Map<string, Map<string, PartitionCounts>>()
  readonly #deadLetters: object[] = []
  readonly #changes: object[] = []
  readonly #restores = new Map<string, object>()

  constructor(topology: Topology, { application, now }: { readonly application: string; readonly now: () => number }) {
    this.#application = application
    this.#graph = topologyGraph(topology, application)
    this.#now = now
    this.#onlyParent = new Map(topology.nodes.flatMap(({ name, parents }) => (parents.length === 1 ? [[name, parents[0] as string]] : [])))
  }

  readonly observe = (event: RuntimeEvent): void => {
    switch (event.type) {
      case 'batch':
        return this.#batch(event)
      case 'cut': {
        const counts = this.#partition(event)
        counts.records += event.records
        counts.batches++
        counts.lastBatch = event.records
        counts.triggers[event.trigger] = (counts.triggers[event.trigger] ?? 0) + 1
        return undefined
      }
      case 'retry':
        this.#partition(event).retries++
        return undefined
      case 'failure':
        this.#partition(event).givenUp++
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
        for (const task of event.tasks) this.#forget(task)
        return this.#changed({ what: event.type, detail: `tasks ${event.tasks.join(', ')}` })
      case 'restore': {
        const { task, store, phase, restoredRecords, remainingRecords, durationMs } = event
        this.#restores.set(`${task} ${store}`, { task, store, phase, restoredRecords, remainingRecords, durationMs })
        return undefined
      }
      default:
        return undefined
    }
  }

  /** All of it, as plain data. */
  snapshot({ health, sample, readiness }: { health: AppHealth; sample: Sample; readiness: ReadinessReport }): object {
    const lags = new Map(sample.lag.map(({ topic, partition, lag }) => [`${topic} ${partition}`, lag]))
    return {
      application: this.#application,
      now: this.#now(),
      readiness,
      graph: this.#graph,
      nodes: Object.fromEntries(this.#nodes),
      edges: [...this.#edges].flatMap(([from, to]) => [...to].map(([child, records]) => ({ from, to: child, records }))),
      partitions: health.tasks.flatMap(({ task, state, partitions, pass, waitsFor, circuits }) =>
        partitions.map(({ topic, partition, position, waitingRecords, batchSize }) => ({
          ...{ task, state, topic, partition, position, waitingRecords, batchSize, waitsFor, circuits },
          lag: lags.get(`${topic} ${partition}`),
          inFlight: pass?.topic === topic ? Math.max(1, pass.batches) : 0,
          ...this.#partitions.get(task)?.get(topic),
        })),
      ),
      stores: sample.stores,
      restores: [...this.#restores.values()],
      deadLetters: this.#deadLetters,
      changes: this.#changes,
    }
  }

  #batch({ node, records, from }: BatchEvent): void {
    this.#nodes.set(node, (this.#nodes.get(node) ?? 0) + records)
    if (from !== undefined) for (const part of from) this.#flowed(part.node, node, part.records)
    else {
      const parent = this.#onlyParent.get(node)
      if (parent !== undefined) this.#flowed(parent, node, records)
    }
  }

  #flowed(parent: string, child: string, records: number): void {
    let to = this.#edges.get(parent)
    if (to === undefined) this.#edges.set(parent, (to = new Map<string, number>()))
    to.set(child, (to.get(child) ?? 0) + records)
  }

  #partition({ task, topic }: { readonly task: string; readonly topic: string }): PartitionCounts {
    let topics = this.#partitions.get(task)
    if (topics === undefined) this.#partitions.set(task, (topics = new Map<string, PartitionCounts>()))
    let counts = topics.get(topic)
    if (counts === undefined) topics.set(topic, (counts = { records: 0, batches: 0, lastBatch: 0, retries: 0, givenUp: 0, triggers: {} }))
    return counts
  }

  #deadLetter({ policy, stage, node, topic, partition, offset, attempts, error, record }: FailureEvent): void {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    const letter = { at: this.#now(), policy, stage, node, topic, partition, offset, attempts, reason: reason.slice(0, MAX_TEXT) }
    this.#deadLetters.unshift({ ...letter, key: textOf(record?.key), value: textOf(record?.value) })
    this.#deadLetters.length = Math.min(this.#deadLetters.length, MAX_DEAD_LETTERS)
  }

  #changed(change: { readonly what: string; readonly detail: string }): void {
    this.#changes.unshift({ at: this.#now(), ...change, detail: change.detail.slice(0, MAX_TEXT) })
    this.#changes.length = Math.min(this.#changes.length, MAX_CHANGES)
  }

  #forget(task: string): void {
    this.#partitions.delete(task)
    for (const key of this.#restores.keys()) if (key.startsWith(`${task} `)) this.#restores.delete(key)
  }
}

/** Bytes as a person reads them: as text where they are any, else in hexadecimal digits. */
function textOf(bytes: Uint8Array | null | undefined): string | null {
  if (bytes == null) return null
  const shown = bytes.subarray(0, MAX_TEXT)
  try {
    // A character may be cut in two at the end.
    return new TextDecoder('utf-8', { fatal: true }).decode(shown, { stream: true })
  } catch {
    return `0x${Buffer.from(shown).toString('hex').slice(0, MAX_TEXT)}`
  }
}
