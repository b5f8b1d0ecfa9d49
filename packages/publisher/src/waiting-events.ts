import type { BatchPolicy } from '@millrace/core'
import { EventFifo, waits } from './event-fifo.ts'
import { FlushGroup } from './flush-group.ts'
import { KeyLanes, type Room } from './key-lanes.ts'
import type { PendingEvent } from './pending-event.ts'

export interface WaitingEventsOptions {
  readonly policy: BatchPolicy
  /** Of types that have one of their own. */
  readonly policies: ReadonlyMap<string, BatchPolicy>
  /** Of topics that have one of their own: those of types count more. */
  readonly topicPolicies: ReadonlyMap<string, BatchPolicy>
}

/** Events that wait for a flush or for their transaction, in groups that are cut apart from each other. */
export class WaitingEvents {
  /** The first is that of all types and topics without a policy of their own. */
  readonly groups: readonly [FlushGroup, ...FlushGroup[]]
  readonly #ofTypes: ReadonlyMap<string, FlushGroup>
  readonly #ofTopics: ReadonlyMap<string, FlushGroup>
  readonly keys = new KeyLanes((event) => this.#groupOf(event).returned(event))
  /** Those that wait for a flush, aside or not. */
  readonly #byTopic = new Map<string, EventFifo>()
  #sequence = 0
  /** That wait for a flush. */
  count = 0
  bytes = 0

  constructor({ policy, policies, topicPolicies }: WaitingEventsOptions) {
    const groupWith = (own: BatchPolicy) => new FlushGroup(own, this.keys, (event) => this.#groupOf(event))
    this.#ofTypes = new Map([...policies].map(([type, own]) => [type, groupWith(own)]))
    this.#ofTopics = new Map([...topicPolicies].map(([topic, own]) => [topic, groupWith(own)]))
    this.groups = [groupWith(policy), ...this.#ofTypes.values(), ...this.#ofTopics.values()]
  }

  add(event: PendingEvent): void {
    event.state = 'waiting'
    event.sequence = ++this.#sequence
    this.count++
    this.bytes += event.bytes
    this.keys.add(event)
    this.#ofTopic(event.topic).push(event)
    const group = this.#groupOf(event)
    group.add(event)
    group.sizer.arrived(1, event.arrivedAt)
  }

  /** Events of a transaction: what is before them in their keys goes at once. */
  hold(events: readonly PendingEvent[]): void {
    for (const event of events) {
      event.state = 'held'
      event.sequence = ++this.#sequence
      this.keys.add(event)
      const before = this.keys.lastBefore(event)
      if (before !== undefined) this.#groupOf(before).makeCritical(before)
    }
  }

  /** A flush has them. */
  taken(events: readonly PendingEvent[]): void {
    for (const { bytes } of events) this.bytes -= bytes
    this.count -= events.length
  }

  /** It is settled; `state`: what it was in. */
  settled(event: PendingEvent, state: PendingEvent['state']): void {
    if (state === 'waiting') this.#groupOf(event).removed(event)
    if (state === 'waiting' || state === 'aside') this.taken([event])
    this.keys.settle(event, state)
  }

  /** Topics may have room again. */
  roomAgain(room: Room): void {
    this.keys.roomAgain(room)
  }

  /** The one that was published first; undefined: there is none. */
  get oldest(): PendingEvent | undefined {
    let oldest: PendingEvent | undefined
    for (const events of this.#byTopic.values()) {
      events.trim()
      const head = events.peek()
      if (head !== undefined && (oldest === undefined || head.arrivedAt < oldest.arrivedAt)) oldest = head
    }
    return oldest
  }

  #ofTopic(topic: string): EventFifo {
    let events = this.#byTopic.get(topic)
    if (events === undefined) {
      events = new EventFifo(waits)
      this.#byTopic.set(topic, events)
    }
    return events
  }

  #groupOf({ type, topic }: PendingEvent): FlushGroup {
    return this.#ofTypes.get(type) ?? this.#ofTopics.get(topic) ?? this.groups[0]
  }
}
