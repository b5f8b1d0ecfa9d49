import { MillraceError, type TransportAdmin } from '@millrace/core'

/** How many partitions the topics of the application have; asks the transport for those it has not seen. */
export class TopicDirectory {
  readonly #counts = new Map<string, number>()
  readonly #admin: TransportAdmin

  constructor(admin: TransportAdmin) {
    this.#admin = admin
  }

  set(topic: string, partitions: number): void {
    this.#counts.set(topic, partitions)
  }

  /** Undefined if the topic has not been looked up. */
  known(topic: string): number | undefined {
    return this.#counts.get(topic)
  }

  /** Rejects with `TOPIC_MISSING` if there is no such topic. */
  async partitions(topic: string): Promise<number> {
    const known = this.#counts.get(topic)
    if (known !== undefined) return known
    const [description] = await this.#admin.describeTopics([topic])
    if (description === undefined) throw topicMissing(topic, 'written to')
    this.#counts.set(topic, description.partitions)
    return description.partitions
  }
}

function topicMissing(topic: string, use: string): MillraceError {
  return new MillraceError(
    'TOPIC_MISSING',
    `Topic '${topic}' is to be ${use} but does not exist: create it, or correct its name in the topology.`,
    {
      stage: 'sink',
      topic,
    },
  )
}
