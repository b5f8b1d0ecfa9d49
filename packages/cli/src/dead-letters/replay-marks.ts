import type { TopicDescription, Transport, TransportAdmin, TransportContext } from '@millrace/core'
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
  /** Of the dead-letter topic: one that is made anew begins with offsets that the old one had. */
  readonly #topicId: string

  private constructor(topicId: string) {
    this.#topicId = topicId
  }

  /** What was marked so far; nothing where nobody ever replayed. */
  static async read(
    { topic, id = '' }: TopicDescription,
    options: { readonly transport: Transport; readonly admin: TransportAdmin; readonly context: TransportContext },
  ): Promise<ReplayMarks> {
    const marks = new ReplayMarks(id)
    const [existing] = await options.admin.describeTopics([marksTopic(topic)])
    if (existing === undefined) return marks
    const partitions = Array.from({ length: existing.partitions }, (_, partition) => ({ topic: existing.topic, partition }))
    for await (const records of readTopics({ ...options, partitions })) {
      for (const { key, value } of records)
        if (key !== null && value !== null) marks.#marks.set(decode(key), JSON.parse(decode(value)) as ReplayMark)
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

  #keyOf({ partition, offset }: RawRecord): string {
    return `${this.#topicId}/${partition}/${offset}`
  }
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}
