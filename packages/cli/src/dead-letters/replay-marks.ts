import {
  type TopicDescription,
  type Transport,
  type TransportAdmin,
  type TransportContext,
  viewColumn,
  type WriteBatch,
} from '@millrace/core'
import { type RawRecord, readTopics } from '../records/read-topics.ts'

/** Says that a dead letter was replayed. */
export interface ReplayMark {
  /** The topic it was written to. */
  readonly to: string
  /** Milliseconds since 1970. */
  readonly at: number
}

/** The topic of marks of a dead-letter topic. */
export function marksTopic(deadLetters: string): string {
  return `${deadLetters}-replayed`
}

/**
 * Which dead letters of a topic were replayed. Each has a record in a compacted topic, written in the transaction that replayed it: so there is either both, or
 * nothing.
 */
export class ReplayMarks {
  readonly #marks = new Map<string, ReplayMark>()
  readonly #topic: TopicDescription

  private constructor(topic: TopicDescription) {
    this.#topic = topic
  }

  /** What was marked so far; nothing where nobody ever replayed. */
  static async read(
    topic: TopicDescription,
    options: { readonly transport: Transport; readonly admin: TransportAdmin; readonly context: TransportContext },
  ): Promise<ReplayMarks> {
    const marks = new ReplayMarks(topic)
    const [existing] = await options.admin.describeTopics([marksTopic(topic.topic)])
    if (existing === undefined) return marks
    const partitions = Array.from({ length: existing.partitions }, (_, partition) => ({ topic: existing.topic, partition }))
    for await (const records of readTopics({ ...options, partitions })) {
      for (const { key, value } of records) if (key !== null) marks.#note(decode(key), value)
    }
    return marks
  }

  /** Creates the topic of marks, if need be. */
  static async prepare(deadLetters: string, admin: TransportAdmin): Promise<void> {
    await admin.createTopics([{ topic: marksTopic(deadLetters), partitions: 1, config: { 'cleanup.policy': 'compact' } }])
  }

  of(record: RawRecord): ReplayMark | undefined {
    return this.#marks.get(this.#keyOf(record))
  }

  /** The record that marks one. */
  entry(record: RawRecord, mark: ReplayMark): { readonly key: Uint8Array; readonly value: Uint8Array } {
    return { key: new TextEncoder().encode(this.#keyOf(record)), value: new TextEncoder().encode(JSON.stringify(mark)) }
  }

  /** What deletes the marks of dead letters that are gone; undefined where there are none: without it they would be more for ever. */
  async stale(admin: TransportAdmin): Promise<WriteBatch | undefined> {
    const { topic, partitions } = this.#topic
    const begins = await admin.beginningOffsets(Array.from({ length: partitions }, (_, partition) => ({ topic, partition })))
    const first = new Map(begins.map(({ partition, offset }) => [partition, offset]))
    const gone = [...this.#marks.keys()].filter((key) => {
      const [, id, partition, offset] = /^(.*)\/(\d+)\/(\d+)$/.exec(key) ?? []
      // Of a topic whose id is not known nobody can say that it is another one.
      if (id !== this.#id) return id !== '' && this.#id !== ''
      return Number(offset) < (first.get(Number(partition)) ?? 0)
    })
    if (gone.length === 0) return undefined
    return {
      topic: marksTopic(topic),
      length: gone.length,
      keys: viewColumn(gone.map((key) => new TextEncoder().encode(key))),
      values: viewColumn(gone.map(() => null)),
      timestamps: gone.map(() => Date.now()),
      partitions: gone.map(() => 0),
    }
  }

  #note(key: string, value: Uint8Array | null): void {
    if (value === null) this.#marks.delete(key)
    else this.#marks.set(key, JSON.parse(decode(value)) as ReplayMark)
  }

  /** Of the topic: one that is made anew begins with offsets that the old one had. */
  get #id(): string {
    return this.#topic.id ?? ''
  }

  #keyOf({ partition, offset }: RawRecord): string {
    return `${this.#id}/${partition}/${offset}`
  }
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}
