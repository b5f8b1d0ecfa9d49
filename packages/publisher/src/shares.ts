/** What is counted of an event. */
interface Counted {
  readonly topic: string
  readonly bytes: number
}

interface Share {
  events: number
  bytes: number
}

export interface SharesOptions {
  readonly maxEvents: number
  readonly maxBytes: number
  /** How many topics share them. */
  readonly topics: number
}

/**
 * Events and bytes with a bound, of which half is for whichever topic comes first, and half is divided: a topic whose events stay there leaves room for the
 * others. An event that is larger than all that its topic can have is there when nothing else of its topic is.
 */
export class Shares {
  /** Of each topic, for itself. */
  readonly #own: Share
  /** For all. */
  readonly #common: Share
  readonly #topics = new Map<string, Share>()
  /** What the topics have beyond their own. */
  readonly #beyond: Share = { events: 0, bytes: 0 }
  events = 0
  bytes = 0

  constructor({ maxEvents, maxBytes, topics }: SharesOptions) {
    this.#own = { events: Math.floor(maxEvents / 2 / topics), bytes: Math.floor(maxBytes / 2 / topics) }
    this.#common = { events: maxEvents - this.#own.events * topics, bytes: maxBytes - this.#own.bytes * topics }
  }

  fits({ topic, bytes }: Counted): boolean {
    const share = this.#of(topic)
    if (share.events === 0 && bytes > this.#own.bytes + this.#common.bytes) return true
    const moreEvents = beyond(share.events + 1, this.#own.events) - beyond(share.events, this.#own.events)
    const moreBytes = beyond(share.bytes + bytes, this.#own.bytes) - beyond(share.bytes, this.#own.bytes)
    return (
      (moreEvents === 0 || this.#beyond.events + moreEvents <= this.#common.events) &&
      (moreBytes === 0 || this.#beyond.bytes + moreBytes <= this.#common.bytes)
    )
  }

  add({ topic, bytes }: Counted): void {
    this.#change(topic, 1, bytes)
  }

  remove({ topic, bytes }: Counted): void {
    this.#change(topic, -1, -bytes)
  }

  #change(topic: string, events: number, bytes: number): void {
    const share = this.#of(topic)
    this.#beyond.events += beyond(share.events + events, this.#own.events) - beyond(share.events, this.#own.events)
    this.#beyond.bytes += beyond(share.bytes + bytes, this.#own.bytes) - beyond(share.bytes, this.#own.bytes)
    share.events += events
    share.bytes += bytes
    this.events += events
    this.bytes += bytes
  }

  #of(topic: string): Share {
    let share = this.#topics.get(topic)
    if (share === undefined) {
      share = { events: 0, bytes: 0 }
      this.#topics.set(topic, share)
    }
    return share
  }
}

function beyond(count: number, own: number): number {
  return Math.max(0, count - own)
}
