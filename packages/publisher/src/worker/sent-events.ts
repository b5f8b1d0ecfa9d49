import { bufferFull, EventBuffer } from '../event-buffer.ts'
import { ForcedFlushes } from '../forced-flushes.ts'
import { notSent, ofTransaction, rejectQuietly } from '../publish-failures.ts'
import type { PublishError } from '../publish-error.ts'
import { PublisherCounts } from '../publisher-metrics.ts'
import type { ResolvedPublisher } from '../resolve-options.ts'
import { UnsentEvents } from '../unsent-events.ts'
import { errorOf, type Settled, type Written } from './messages.ts'
import { isCall, type Outgoing } from './outgoing.ts'
import type { Call, SentEvent } from './sent-event.ts'
import { countDelivered, countFailed, countTaken } from './worker-counts.ts'

/** Why what is told of was not published; undefined: a call that has no events. */
export type ErrorFor = (of: SentEvent | undefined) => PublishError

export interface SentEventsOptions extends Pick<ResolvedPublisher, 'buffer' | 'topics' | 'logger'> {
  readonly isClosing: () => boolean
  /** An event that waited has room, and may go to the worker. */
  readonly onAdmitted: (event: SentEvent) => void
}

/** All that was taken and is not settled: what waits for room, what is about to go to the worker, and what that has. */
export class SentEvents {
  readonly #options: SentEventsOptions
  readonly #sent = new Map<number, SentEvent>()
  readonly #calls = new Map<number, Call>()
  /** Events of transactions that are under way. */
  #held = 0
  readonly buffer: EventBuffer<SentEvent>
  readonly forced = new ForcedFlushes()
  /** Of all workers: what those that are gone told last, and what the service knows by itself. */
  readonly counts = new PublisherCounts()
  /** What was given up since the publisher began to close. */
  readonly unsent = new UnsentEvents()

  constructor(options: SentEventsOptions) {
    this.#options = options
    this.buffer = new EventBuffer(options.buffer, options.topics)
  }

  /** With the worker, or on their way to it. */
  get count(): number {
    return this.#sent.size + this.#held
  }

  /** Whether the worker is to answer something. */
  get areAwaited(): boolean {
    return this.#sent.size + this.#calls.size > 0
  }

  /** Whether it may go now; else it waits for room. Throws a `PublishError` of code `BUFFER_FULL`. */
  enter(event: SentEvent): boolean {
    const hasRoom = this.buffer.enter(event)
    this.forced.taken(event)
    countTaken(this.counts, event)
    if (hasRoom) this.#sent.set(event.message.n, event)
    return hasRoom
  }

  /** Those of a transaction. Throws a `PublishError` of code `BUFFER_FULL` if there is no room for all. */
  enterAll(events: readonly SentEvent[]): void {
    if (!this.buffer.enterAll(events)) throw bufferFull(events[0] as SentEvent, this.#options.buffer)
    const countedLate = events.some((event) => event.countedLate)
    for (const event of events) {
      event.countedLate = countedLate
      this.forced.taken(event)
      countTaken(this.counts, event)
    }
  }

  /** The worker is to answer it. */
  called(call: Call): void {
    this.#calls.set(call.message.call, call)
    this.#held += call.events.length
  }

  #admit(event: SentEvent): void {
    this.#sent.set(event.message.n, event)
    this.#options.onAdmitted(event)
  }

  settled(settled: Settled): void {
    const call = this.#calls.get(settled.n)
    if (call !== undefined) {
      this.#onAnswered(call, settled)
      return
    }
    const event = this.#sent.get(settled.n)
    if (event === undefined || !('error' in settled)) return
    const error = errorOf(settled.error)
    this.#noteFailed(event, error)
    if (event.answer !== undefined) rejectQuietly(event.answer, error)
    this.#leave(event)
  }

  #onAnswered(call: Call, settled: Settled): void {
    this.#calls.delete(settled.n)
    this.#leaveHeld(call)
    if ('error' in settled) {
      const error = errorOf(settled.error)
      for (const event of call.events) this.#noteFailed(event, error)
      call.reject(error)
      return
    }
    for (const event of call.events) countDelivered(this.counts, event)
    call.resolve(settled.value as never)
  }

  written({ ns, partitions, offsets }: Written): void {
    for (const [i, n] of ns.entries()) {
      const event = this.#sent.get(n)
      if (event === undefined) continue
      const { id, topic, answer } = event
      countDelivered(this.counts, event)
      answer?.resolve({ id, topic, partition: partitions[i] as number, offset: offsets[i] as number })
      this.#leave(event)
    }
  }

  /** What no worker tells of. */
  #reject(event: SentEvent, error: PublishError): void {
    const { id, type, topic, answer } = event
    this.#noteFailed(event, error)
    this.#options.logger.warn({ eventId: id, type, topic, outcome: error.outcome, err: error }, 'an event was not published')
    if (answer !== undefined) rejectQuietly(answer, error)
  }

  #noteFailed(event: SentEvent, error: PublishError): void {
    countFailed(this.counts, event, error.code)
    if (this.#options.isClosing()) this.unsent.add(event, error)
  }

  rejectWaiters(before: number, reason: string): void {
    for (const event of this.buffer.expire(before)) {
      this.#reject(event, notSent(event, reason))
      this.forced.settled(event)
    }
  }

  #leave(event: SentEvent): void {
    this.#sent.delete(event.message.n)
    this.#leaveBuffer(event)
  }

  #leaveBuffer(event: SentEvent): void {
    this.forced.settled(event)
    for (const admitted of this.buffer.leave(event)) this.#admit(admitted)
  }

  #leaveHeld({ events }: Call): void {
    this.#held -= events.length
    for (const event of events) this.#leaveBuffer(event)
  }

  rejectHandedOver(errorFor: ErrorFor): void {
    const had = [...this.#calls.values(), ...this.#sent.values()].filter(({ handedOver }) => handedOver)
    this.rejectAll(had, errorFor)
  }

  rejectAll(all: readonly Outgoing[], errorFor: ErrorFor): void {
    for (const one of all) {
      if (isCall(one)) this.#rejectCall(one, errorFor)
      else {
        this.#reject(one, errorFor(one))
        this.#leave(one)
      }
    }
  }

  #rejectCall(call: Call, errorFor: ErrorFor): void {
    const { message, events } = call
    this.#calls.delete(message.call)
    for (const event of events) this.#reject(event, ofTransaction(event, errorFor(event)))
    const [first] = events
    call.reject(first === undefined ? errorFor(undefined) : ofTransaction(first, errorFor(first)))
    this.#leaveHeld(call)
  }
}
