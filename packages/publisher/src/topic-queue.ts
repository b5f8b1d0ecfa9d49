import { EventFifo, isReady } from './event-fifo.ts'
import type { PendingEvent } from './pending-event.ts'

/** Events of one topic in a group that wait for a flush. What is set aside for others of its key is not among them. */
export class TopicQueue {
  readonly topic: string
  readonly high = new EventFifo(isReady)
  readonly normal = new EventFifo(isReady)
  /** Not looked at yet, whether they may go. */
  readonly #fresh = new EventFifo(isReady)
  #returned: PendingEvent[] = []
  events = 0
  bytes = 0
  critical = 0
  /** The highest there was. */
  #epoch = 0
  /** Of that. */
  #ofEpoch = 0

  constructor(topic: string) {
    this.topic = topic
  }

  add(event: PendingEvent): void {
    ;(event.high ? this.high : this.normal).push(event)
    if (event.keyLane !== undefined) this.#fresh.push(event)
    this.#count(event, 1)
  }

  /** It was aside; it takes its place with the next `sift`. */
  returned(event: PendingEvent): void {
    this.#returned.push(event)
    this.#count(event, 1)
  }

  removed(event: PendingEvent): void {
    this.#count(event, -1)
  }

  /** Whether some are of lower epochs: see `ForcedFlushes`. They may be behind others, since they may have waited for something else before. */
  hasBelow(epoch: number): boolean {
    return this.events > (this.#epoch < epoch ? 0 : this.#ofEpoch)
  }

  #count({ bytes, critical, epoch }: PendingEvent, events: 1 | -1): void {
    if (epoch > this.#epoch) {
      this.#epoch = epoch
      this.#ofEpoch = 0
    }
    if (epoch === this.#epoch) this.#ofEpoch += events
    this.events += events
    this.bytes += events * bytes
    if (critical) this.critical += events
  }

  /** Looks at those that are new here: `mayGo` sets aside what may not. */
  sift(mayGo: (event: PendingEvent) => boolean): void {
    this.#merge()
    for (let event = this.#fresh.shift(); event !== undefined; event = this.#fresh.shift()) if (!mayGo(event)) this.removed(event)
  }

  #merge(): void {
    if (this.#returned.length === 0) return
    const returned = this.#returned.filter(isReady).sort(bySequence)
    this.#returned = []
    const high = returned.filter(isHigh)
    if (high.length > 0) this.high.insert(high)
    if (high.length < returned.length) this.normal.insert(high.length === 0 ? returned : returned.filter((event) => !isHigh(event)))
    this.#fresh.insert(returned)
  }

  /** The first of each priority. */
  get heads(): PendingEvent[] {
    this.trim()
    return [this.high.peek(), this.normal.peek()].filter((head) => head !== undefined)
  }

  trim(): void {
    this.high.trim()
    this.normal.trim()
  }
}

function bySequence(a: PendingEvent, b: PendingEvent): number {
  return a.sequence - b.sequence
}

function isHigh({ high }: PendingEvent): boolean {
  return high
}
