import type { Clock } from '@millrace/core'
import type { EventBuffer } from './event-buffer.ts'
import type { Expiry } from './expiry.ts'
import type { Flights } from './flights.ts'
import type { FlushGroup, FlushTrigger } from './flush-group.ts'
import type { FlushLog } from './flush-log.ts'
import { FlushTimer } from './flush-timer.ts'
import type { ForcedFlushes } from './forced-flushes.ts'
import type { Room } from './key-lanes.ts'
import type { PendingEvent } from './pending-event.ts'
import type { PublisherCounts } from './publisher-metrics.ts'
import type { Transactions } from './transactions.ts'
import type { WaitingEvents } from './waiting-events.ts'
import { byTopic } from './write-batches.ts'

export interface FlushLoopOptions {
  readonly clock: Clock
  readonly waiting: WaitingEvents
  readonly flights: Flights
  readonly forced: ForcedFlushes
  readonly transactions: Transactions | undefined
  readonly expiry: Expiry
  readonly log: FlushLog
  readonly counts: PublisherCounts
  readonly buffer: () => EventBuffer
  /** What is there is cut without waiting. */
  readonly isFinishing: () => boolean
  /** Nothing is sent for now, or any more. */
  readonly isHeld: () => boolean
}

/** Makes flushes when they are due. */
export class FlushLoop {
  readonly #options: FlushLoopOptions
  readonly #timer: FlushTimer
  #flushes = 0

  constructor(options: FlushLoopOptions) {
    this.#options = options
    this.#timer = new FlushTimer(options.clock, (notBefore) => this.#flushDue(notBefore))
  }

  /** Whether one is to come by itself. */
  get expectsFlush(): boolean {
    return this.#timer.expectsFlush
  }

  /** Something has changed: looks when whoever publishes at the moment has done so. */
  soon(): void {
    this.#timer.soon()
  }

  cancel(): void {
    this.#timer.cancel()
  }

  #flushDue(notBefore = 0): void {
    const { clock, waiting, transactions, expiry, buffer, isHeld } = this.#options
    if (isHeld()) return
    const now = Math.max(clock.monotonic(), notBefore)
    // What expires may be what a transaction waits for.
    expiry.expire(buffer(), now)
    transactions?.begin()
    let flushMs = Infinity
    for (const group of waiting.groups) flushMs = Math.min(flushMs, this.#flushGroup(group, now))
    if (waiting.count === 0) flushMs = Infinity
    this.#timer.again({ flushMs, expiryMs: expiry.nextMs(buffer(), now) }, now)
  }

  /** Flushes what is due; returns in how many milliseconds more will be. */
  #flushGroup(group: FlushGroup, now: number): number {
    const { waiting, flights, forced, buffer, isFinishing } = this.#options
    const common = { now, finishing: isFinishing(), forcedBelow: forced.epoch }
    for (;;) {
      const room = this.#rooms(now)
      waiting.roomAgain(room)
      const state = { ...common, room, full: buffer().waitsFor((topic) => room(topic) > 0) }
      const decision = group.decide(state)
      if (!decision.cut) return Math.min(decision.waitMs, flights.soonestMs(now))
      const { trigger } = decision
      const events = group.take(++this.#flushes, state, trigger)
      // Else all that was due was set aside, for others of their keys.
      if (events.length > 0) void this.#flush(events, trigger, group)
    }
  }

  /** How many events of a topic may go at the moment. */
  #rooms(now: number): Room {
    const rooms = new Map<string, number>()
    return (topic) => {
      let room = rooms.get(topic)
      if (room === undefined) {
        room = this.#options.flights.room(topic, now)
        rooms.set(topic, room)
      }
      return room
    }
  }

  /** One flush: an operation for all topics, and a flight for each until its events are settled. */
  async #flush(events: readonly PendingEvent[], trigger: FlushTrigger, group: FlushGroup): Promise<void> {
    const { waiting, flights, log, counts } = this.#options
    const over = log.began(events, trigger)
    const failedBefore = counts.failed
    waiting.taken(events)
    const results = await flights.send(byTopic(events))
    const durationMs = over()
    const failed = results.every((result) => result === 'good') ? 0 : counts.failed - failedBefore
    group.sizer.finished({ records: events.length, durationMs, failed, waiting: waiting.count })
    this.#timer.soon()
  }
}
