import {
  type BatchedTopic,
  type BatchingChange,
  type BatchingEvent,
  type BatchPolicy,
  batchPolicyOf,
  changeBatching,
  changeProblems,
  concerns,
  type LivePolicy,
  type SourceNode,
  type SubTopology,
  wrongOptions,
} from '@millrace/core'
import type { RunnableDefinition } from '../app/resolve-definition.ts'
import type { PlannedSubTopology } from '../app/topic-plan.ts'

interface Kept extends BatchedTopic {
  readonly subTopology: SubTopology
  current: BatchPolicy
}

/** The batch policies of an application's topics, which may change while it runs. */
export class Batching {
  readonly #definition: RunnableDefinition
  readonly #topics = new Map<string, Kept>()
  #settings: RunnableDefinition['batch']

  /** `known`: what is read from the start; topics that patterns match later come on their own. */
  constructor(definition: RunnableDefinition, known: readonly PlannedSubTopology[]) {
    this.#definition = definition
    this.#settings = definition.batch
    for (const { subTopology, inputs } of known) for (const { topic, source } of inputs) this.of(topic, source, subTopology)
  }

  /** The policy of a topic: always the same object, whose `current` changes. */
  of(topic: string, source: SourceNode, subTopology: SubTopology): LivePolicy {
    let kept = this.#topics.get(topic)
    if (kept === undefined) {
      const where = { topic, source, subTopology }
      kept = { ...where, current: this.#policyOf(where) }
      this.#topics.set(topic, kept)
    }
    return kept
  }

  /** What was changed since the start; at most one for each `source` and `topic`. */
  get changes(): readonly BatchingChange[] {
    return this.#settings.changes
  }

  /** Takes effect with the next batch of each partition. Throws a `TypeError` that lists everything that is wrong, and then changes nothing. */
  update(change: BatchingChange): BatchingEvent {
    const problems = changeProblems(this.#settings, change, this.#definition)
    if (problems.length > 0) throw wrongOptions("Batching can't be changed", problems)
    this.#settings = changeBatching(this.#settings, change)
    const concerned = [...this.#topics.values()].filter((kept) => concerns(change, kept))
    for (const kept of concerned) kept.current = this.#policyOf(kept)
    return {
      type: 'batching',
      stage: 'batch',
      change: { ...change },
      policies: concerned.map(({ topic, current }) => ({ topic, policy: current })),
    }
  }

  #policyOf({ topic, source, subTopology }: Omit<Kept, 'current'>): BatchPolicy {
    const policy = batchPolicyOf(this.#settings, { topic, source })
    return subTopology.singleRecord === undefined ? policy : Object.freeze({ ...policy, size: 1, adaptive: false })
  }
}
