import type { Logger } from '@millrace/core'
import type { ConsumerClient } from '../client/kafka-client.ts'

/** How soon a new topic that matches is found. */
const REFRESH_MS = 5_000

/**
 * Subscribes to topics by name, and to those that match patterns as they come and go. librdkafka's patterns are POSIX expressions, so
 * JavaScript's are matched here.
 */
export class Subscription {
  readonly #client: ConsumerClient
  readonly #names: readonly string[]
  readonly #patterns: readonly RegExp[]
  readonly #logger: Logger
  #subscribed: readonly string[] = []
  #timer: NodeJS.Timeout | undefined
  #refreshing = false
  #ended = false

  constructor(client: ConsumerClient, topics: readonly (string | RegExp)[], logger: Logger) {
    this.#client = client
    this.#names = topics.filter((topic) => typeof topic === 'string')
    this.#patterns = topics.filter((topic) => topic instanceof RegExp)
    this.#logger = logger
  }

  /** The topics named, which ought to exist. */
  get names(): readonly string[] {
    return this.#names
  }

  async start(): Promise<void> {
    await this.#refresh()
    if (this.#patterns.length === 0 || this.#ended) return
    this.#timer = setInterval(() => {
      // Each takes a thread of few, for long when brokers are away.
      if (this.#refreshing) return
      this.#refreshing = true
      this.#refresh()
        .catch((error: unknown) => {
          if (!this.#ended) this.#logger.warn({ err: error }, 'Topics could not be listed; whether new ones match is looked up again later')
        })
        .finally(() => {
          this.#refreshing = false
        })
    }, REFRESH_MS)
  }

  /** A question that is under way changes nothing any more. */
  end(): void {
    this.#ended = true
    clearInterval(this.#timer)
  }

  async #refresh(): Promise<void> {
    const topics = new Set(this.#names)
    if (this.#patterns.length > 0) for (const topic of await this.#client.listTopics()) if (this.#matches(topic)) topics.add(topic)
    const wanted = [...topics].toSorted()
    if (this.#ended || wanted.length === 0 || isEqual(wanted, this.#subscribed)) return
    this.#subscribed = wanted
    this.#client.subscribe(wanted)
  }

  #matches(topic: string): boolean {
    // Internal topics only by name.
    if (topic.startsWith('__')) return false
    return this.#patterns.some((pattern) => {
      // A global or sticky pattern carries state from one test to the next.
      pattern.lastIndex = 0
      return pattern.test(topic)
    })
  }
}

function isEqual(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((topic, i) => topic === b[i])
}
