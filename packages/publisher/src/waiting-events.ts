import type { BatchPolicy } from '@millrace/core'
import { FlushGroup } from './flush-group.ts'
import type { KeyLanes } from './key-lanes.ts'
import type { PendingEvent } from './pending-event.ts'

export interface WaitingEventsOptions {
  readonly policy: BatchPolicy
  /** Of types that have one of their own. */
  readonly policies: ReadonlyMap<string, BatchPolicy>
  readonly keys: KeyLanes
}

/** Events that wait for a flush or for their transaction, in groups that are cut apart from each other. */
export class WaitingEvents {
  /** The first is that of all types without a policy of their own. */
  readonly groups: readonly [FlushGroup, ...FlushGroup[]]
  readonly #ownGroups = new Map<string, FlushGroup>()
  readonly #keys: KeyLanes
  #sequence = 0
  /** That wait for a flush. */
  count = 0
  bytes = 0

  constructor({ policy, policies, keys }: WaitingEventsOptions) {
    this.#keys = keys
    const groupOf = (event: PendingEvent) => this.#groupOf(event)
    for (const [type, own] of policies) this.#ownGroups.set(type, new FlushGroup(own, keys, groupOf))
    this.groups = [new FlushGroup(policy, keys, groupOf), ...this.#ownGroups.values()]
  }

  add(event: PendingEvent): void {
    event.state = 'waiting'
    event.sequence = ++this.#sequence
    this.count++
    this.bytes += event.bytes
    this.#keys.add(event)
    const group = this.#groupOf(event)
    group.add(event)
    group.sizer.arrived(1, event.arrivedAt)
  }

  /** Events of a transaction: what is before them in their keys goes at once. */
  hold(events: readonly PendingEvent[]): void {
    for (const event of events) {
      event.state = 'held'
      event.sequence = ++this.#sequence
      this.#keys.add(event)
      const before = this.#keys.lastBefore(event)
      if (before !== undefined) this.#groupOf(before).makeCritical(before)
    }
  }

  /** A flush has them. */
  taken(events: readonly PendingEvent[]): void {
    for (const { bytes } of events) this.bytes -= bytes
    this.count -= events.length
  }

  /** It is settled as it waits. */
  settled(event: PendingEvent): void {
    this.taken([event])
    this.#groupOf(event).removed(event)
  }

  /** When the oldest of them was taken; Infinity: there is none. */
  get oldestArrival(): number {
    return Math.min(...this.groups.map((group) => group.oldest?.arrivedAt ?? Infinity))
  }

  #groupOf({ type }: PendingEvent): FlushGroup {
    return this.#ownGroups.get(type) ?? this.groups[0]
  }
}
