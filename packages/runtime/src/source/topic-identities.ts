import { MillraceError } from '@millrace/core'
import type { TaskEnvironment } from '../task/task-environment.ts'

/** How often the ids of topics are looked at. */
const LOOK_MS = 5_000

/**
 * Sees to it that topics stay the ones they were when their partitions were assigned. One that is deleted and made anew under its name begins at 0
 * again: whoever goes on at the offsets of the old one skips its first records, and neither broker nor client says so.
 */
export class TopicIdentities {
  readonly #environment: Pick<TaskEnvironment, 'admin' | 'clock' | 'logger' | 'fail'>
  /** By topic, of those that have ids. */
  readonly #ids = new Map<string, string>()
  #cancel: (() => void) | undefined
  #stopped = false

  constructor(environment: Pick<TaskEnvironment, 'admin' | 'clock' | 'logger' | 'fail'>) {
    this.#environment = environment
  }

  /** Partitions of these topics were assigned: those that are not known yet are noted, the others must be the same still. */
  async note(topics: readonly string[]): Promise<void> {
    await this.#look([...new Set(topics)])
    if (this.#ids.size > 0) this.#arm()
  }

  /** Only of these topics are partitions left. */
  retain(topics: ReadonlySet<string>): void {
    for (const topic of this.#ids.keys()) if (!topics.has(topic)) this.#ids.delete(topic)
  }

  stop(): void {
    this.#stopped = true
    this.#cancel?.()
  }

  async #look(topics: readonly string[]): Promise<void> {
    const before = new Map(this.#ids)
    for (const { topic, id: topicId } of await this.#environment.admin.describeTopics(topics)) {
      const known = this.#ids.get(topic)
      // One that was noted while this was asked for may have been made meanwhile.
      if (topicId === undefined || this.#stopped || known !== before.get(topic)) continue
      if (known === undefined) this.#ids.set(topic, topicId)
      else if (known !== topicId) this.#environment.fail(recreated(topic))
    }
  }

  #arm(): void {
    if (this.#stopped) return
    this.#cancel ??= this.#environment.clock.after(LOOK_MS, () => {
      this.#look([...this.#ids.keys()])
        .catch((error: unknown) => this.#environment.logger.debug({ err: error }, 'the ids of the input topics could not be looked up'))
        .finally(() => {
          this.#cancel = undefined
          if (this.#ids.size > 0) this.#arm()
        })
    })
  }
}

function recreated(topic: string): MillraceError {
  return new MillraceError(
    'TOPIC_RECREATED',
    `Topic '${topic}' was deleted and made anew while it was read: the offsets of the old one mean nothing in it, and its first records may have been ` +
      "skipped. Set the group's offsets of this topic to where reading is to begin, then start again.",
    { stage: 'source', topic },
  )
}
