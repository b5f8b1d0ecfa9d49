import { type BatchPolicy, BatchSizer, type BatchTrigger, type CutDecision, decideCut } from '@millrace/core'
import type { KeyLanes, Room } from './key-lanes.ts'
import type { PendingEvent } from './pending-event.ts'
import { TopicQueue } from './topic-queue.ts'

/** Why a flush was made. */
export type FlushTrigger = BatchTrigger | Urgency

/** What is free at the moment. */
export interface FlushState {
  readonly now: number
  readonly room: Room
  /** What is there is cut without waiting. */
  readonly finishing: boolean
  /** Events of lower epochs go without waiting: see `ForcedFlushes`. */
  readonly forcedBelow: number
  /** Somebody waits for room. */
  readonly full: boolean
}

/** What has events go at once, whatever else waits. */
type Urgency = 'critical' | 'forced'

/** Events that are cut by one policy: those of all topics but where a type or topic has a policy of its own. */
export class FlushGroup {
  readonly policy: BatchPolicy
  readonly sizer: BatchSizer
  readonly #lanes: KeyLanes
  readonly #queues = new Map<string, TopicQueue>()
  /** The group that each waiting event is in, to take those from elsewhere that come before. */
  readonly #groupOf: (event: PendingEvent) => FlushGroup

  constructor(policy: BatchPolicy, lanes: KeyLanes, groupOf: (event: PendingEvent) => FlushGroup) {
    this.policy = policy
    this.sizer = new BatchSizer({ current: policy })
    this.#lanes = lanes
    this.#groupOf = groupOf
  }

  add(event: PendingEvent): void {
    this.#queueOf(event).add(event)
  }

  /** It was aside. */
  returned(event: PendingEvent): void {
    this.#queueOf(event).returned(event)
  }

  /** It no longer waits, and was not aside. */
  removed(event: PendingEvent): void {
    this.#queueOf(event).removed(event)
  }

  /** It goes at once from now on. */
  makeCritical(event: PendingEvent): void {
    if (event.critical) return
    event.critical = true
    // One that is aside is counted when it comes back.
    if (event.state === 'waiting') this.#queueOf(event).critical++
  }

  #queueOf({ topic }: PendingEvent): TopicQueue {
    let queue = this.#queues.get(topic)
    if (queue === undefined) {
      queue = new TopicQueue(topic)
      this.#queues.set(topic, queue)
    }
    return queue
  }

  /** Whether to flush now, and why; or for how long not. What can't go for others of its key is set aside first. */
  decide({ now, room, finishing, forcedBelow, full }: FlushState): CutDecision | { readonly cut: true; readonly trigger: Urgency } {
    let records = 0
    let bytes = 0
    let firstArrivedAt = Infinity
    let isForced = false
    for (const queue of this.#queues.values()) {
      if (room(queue.topic) === 0) continue
      queue.sift((event) => this.#lanes.first(event, NO_FLUSH, room) !== undefined)
      if (queue.events === 0) continue
      if (queue.critical > 0) return { cut: true, trigger: 'critical' }
      records += queue.events
      bytes += queue.bytes
      isForced ||= queue.hasBelow(forcedBelow)
      for (const head of queue.heads) firstArrivedAt = Math.min(firstArrivedAt, head.arrivedAt)
    }
    if (records === 0) return { cut: false, waitMs: Infinity }
    const decision = decideCut(this.sizer.limits, {
      records,
      bytes,
      recordsWithinBytes: records,
      firstArrivedAt,
      now,
      finishing: finishing ? 'drain' : undefined,
      memorySpent: full,
    })
    return !decision.cut && isForced ? { cut: true, trigger: 'forced' } : decision
  }

  /**
   * The events of one flush: high ones first, else in the order in which they came, with those before them that have their key; no more than the largest
   * flush may have, in events and bytes. None if all that waits must wait for others of its key: those are aside then.
   */
  take(flush: number, { room, forcedBelow }: Pick<FlushState, 'room' | 'forcedBelow'>, trigger: FlushTrigger): PendingEvent[] {
    const taken = new Taken(this.policy, room)
    const queues = [...this.#queues.values()].filter(({ topic, events }) => events > 0 && room(topic) > 0)
    if (trigger === 'critical') this.#fill(taken, queues, { flush, only: ({ critical }) => critical })
    else if (trigger === 'forced') this.#fill(taken, queues, { flush, only: ({ epoch }) => epoch < forcedBelow })
    // Those that are forced take along what is there.
    if (trigger !== 'critical' && (trigger !== 'forced' || taken.events.length > 0)) this.#fill(taken, queues, { flush, only: undefined })
    for (const queue of queues) queue.trim()
    return taken.events
  }

  #fill(
    taken: Taken,
    queues: readonly TopicQueue[],
    { flush, only }: { readonly flush: number; readonly only: ((event: PendingEvent) => boolean) | undefined },
  ): void {
    for (const part of ['high', 'normal'] as const) {
      const places = queues.map((queue) => queue[part].next(0))
      while (!taken.full) {
        const at = lowest(queues, part, places)
        if (at === undefined) break
        const fifo = (queues[at] as TopicQueue)[part]
        const candidate = fifo.at(places[at] as number)
        if (only === undefined || only(candidate)) this.#takeWithThoseBefore(candidate, flush, taken)
        places[at] = fifo.next((places[at] as number) + 1)
      }
    }
  }

  #takeWithThoseBefore(candidate: PendingEvent, flush: number, taken: Taken): void {
    while (candidate.state === 'waiting' && !taken.full) {
      const first = this.#lanes.first(candidate, flush, taken.room)
      if (first === undefined) {
        this.#groupOf(candidate).removed(candidate)
        return
      }
      if (!taken.fits(first)) return
      first.state = 'flying'
      this.#groupOf(first).removed(first)
      this.#lanes.take(first, flush)
      taken.add(first)
    }
  }
}

/** Of what is looked at before there is a flush: those have numbers from 1 on. */
const NO_FLUSH = 0

/** What a flush has so far. */
class Taken {
  readonly events: PendingEvent[] = []
  readonly room: Room
  readonly #policy: BatchPolicy
  readonly #byTopic = new Map<string, number>()
  #bytes = 0
  full = false

  constructor(policy: BatchPolicy, room: Room) {
    this.#policy = policy
    this.room = room
  }

  fits({ topic, bytes }: PendingEvent): boolean {
    if (this.events.length > 0 && this.#bytes + bytes > this.#policy.maxBytes) {
      this.full = true
      return false
    }
    return (this.#byTopic.get(topic) ?? 0) < this.room(topic)
  }

  add(event: PendingEvent): void {
    this.events.push(event)
    this.#bytes += event.bytes
    this.#byTopic.set(event.topic, (this.#byTopic.get(event.topic) ?? 0) + 1)
    this.full = this.events.length >= this.#policy.maxSize
  }
}

/** The queue whose next event came first; undefined: none has one. */
function lowest(queues: readonly TopicQueue[], part: 'high' | 'normal', places: readonly (number | undefined)[]): number | undefined {
  let found: number | undefined
  let least = Infinity
  for (let i = 0; i < queues.length; i++) {
    const place = places[i]
    if (place === undefined) continue
    const { sequence } = (queues[i] as TopicQueue)[part].at(place)
    if (sequence < least) [found, least] = [i, sequence]
  }
  return found
}
