import { askTopics } from './ask-topics.ts'
import { Cluster } from './cluster.ts'
import { type ConnectOptions, resolveConnectOptions } from './connection-options.ts'
import { CODE, refusal } from '../errors/protocol-codes.ts'
import { patiently } from './patiently.ts'
import { systemClock } from './system-clock.ts'

/** No topic of this name, or one that can't be. */
const ABSENT: ReadonlySet<number> = new Set([CODE.unknownTopic, CODE.invalidTopic])
/** It is there, and has no leaders now. */
const LEADERLESS = 5

/** Which topics there are. Connects when it is asked first. */
export class TopicLookup {
  readonly #cluster: Cluster

  /** Throws a `TypeError` that lists everything that is wrong with the options. */
  constructor(options: ConnectOptions) {
    const problems: string[] = []
    this.#cluster = new Cluster(resolveConnectOptions(options, problems), systemClock)
    if (problems.length > 0) throw new TypeError(problems.join(' '))
  }

  /** Those of `topics` that some broker knows; creates none. Tries as long as a request may take; rejects with a {@link PackedError}. */
  async existing(topics: readonly string[]): Promise<string[]> {
    if (topics.length === 0) return []
    const answered = await patiently(this.#cluster, systemClock, () => askTopics(this.#cluster, topics))
    return answered.flatMap(({ name, errorCode }) => {
      if (name === null || name === undefined || ABSENT.has(errorCode)) return []
      if (errorCode !== CODE.none && errorCode !== LEADERLESS) throw refusal(errorCode, `tell of topic '${name}'`)
      return [name]
    })
  }

  /** The names of all, internal ones too. Tries as long as a request may take; rejects with a {@link PackedError}. */
  async all(): Promise<string[]> {
    const answered = await patiently(this.#cluster, systemClock, () => this.#cluster.topics(null))
    return answered.flatMap(({ name }) => (name === null || name === undefined ? [] : [name]))
  }

  /** Questions under way reject. */
  close(): void {
    this.#cluster.close()
  }
}
