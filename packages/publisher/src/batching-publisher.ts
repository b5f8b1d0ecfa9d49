import { CircuitBreakers, type Clock, deferred, type MillraceError, settledWithin } from '@millrace/core'
import { bufferFull, EventBuffer } from './event-buffer.ts'
import { EventEncoder } from './event-encoder.ts'
import type { EventDefinitions, PayloadOf, PublishedEvent, PublishOptions, PublishOutcome, PublishReceipt } from './events.ts'
import { Flights } from './flights.ts'
import type { FlushGroup, FlushTrigger, Urgency } from './flush-group.ts'
import { FlushTimer } from './flush-timer.ts'
import { ForcedFlushes } from './forced-flushes.ts'
import { KeyLanes } from './key-lanes.ts'
import { outcomesOf } from './outcomes-of.ts'
import type { PendingEvent } from './pending-event.ts'
import { alreadyClosed, closedBefore, notSent, unsentOf } from './publish-failures.ts'
import type { PublishError } from './publish-error.ts'
import type { BatchStatus, CloseReport, Publisher } from './publisher.ts'
import { metricsOf, PublisherCounts, type PublisherMetrics } from './publisher-metrics.ts'
import { Refusals } from './refusals.ts'
import type { ResolvedPublisher } from './resolve-options.ts'
import { TransactionSender } from './transaction-sender.ts'
import { Transactions } from './transactions.ts'
import { KeptEvents } from './outbox/kept-events.ts'
import { TopicLanes } from './topic-lane.ts'
import { WaitingEvents } from './waiting-events.ts'
import { byTopic } from './write-batches.ts'
import { Writers } from './writers.ts'

/** What is left of the time to close for letting go of the transport. */
const LETTING_GO_MS = 1_000

/** Publishes from this process. */
export class BatchingPublisher<Events extends EventDefinitions> implements Publisher<Events> {
  readonly #options: ResolvedPublisher
  readonly #clock: Clock
  readonly #encoder: EventEncoder
  readonly #buffer: EventBuffer
  readonly #keys = new KeyLanes()
  readonly #lanes: TopicLanes
  readonly #breakers: CircuitBreakers | undefined
  readonly #writers: Writers
  readonly #flights: Flights
  readonly #sender: TransactionSender | undefined
  readonly #transactions: Transactions | undefined
  readonly #kept: KeptEvents | undefined
  readonly #waiting: WaitingEvents
  readonly #counts = new PublisherCounts()
  readonly #forced = new ForcedFlushes()
  readonly #unsettled = new Set<PendingEvent>()
  readonly #timer: FlushTimer
  readonly #refusals: Refusals
  /** Published while the outbox was being opened: they come behind what is found there. */
  #early: { readonly events: readonly PendingEvent[]; readonly isTransaction: boolean }[] = []
  #flushes = 0
  #closing: Promise<CloseReport> | undefined
  /** Nothing is sent any more. */
  #over = false

  constructor(options: ResolvedPublisher) {
    const { clock, logger, policy, policies, circuitBreaker, degrade, transport, clientId } = options
    this.#options = options
    this.#clock = clock
    this.#encoder = new EventEncoder(options.events, clock)
    this.#buffer = new EventBuffer(options.buffer, options.topics)
    this.#refusals = new Refusals(logger)
    this.#timer = new FlushTimer(clock, () => this.#flushDue())
    this.#lanes = new TopicLanes({
      ...degrade,
      onDegraded: (topic, degraded) =>
        logger.warn({ topic }, degraded ? 'batches keep failing: the topic gets single events' : 'the topic gets batches again'),
    })
    if (circuitBreaker !== false)
      this.#breakers = new CircuitBreakers(circuitBreaker, clock, (topic, from, to) =>
        logger.warn({ topic, from, to }, 'the circuit of a topic'),
      )
    this.#writers = new Writers({ transport, clientId, logger })
    const hooks = {
      onWritten: (event: PendingEvent, { partition, offset }: { readonly partition: number; readonly offset: number }) => {
        if (!this.#settle(event, true)) return
        this.#counts.delivered++
        event.resolve({ id: event.id, topic: event.topic, partition, offset })
      },
      onFailed: (event: PendingEvent, error: PublishError, forGood: boolean) => this.#reject(event, error, forGood),
      onEnd: () => this.#timer.soon(),
      wait: (retry: number, error: MillraceError, events: number) => this.#flights.waitForRetry({ retry, error, events }),
    }
    this.#flights = new Flights({
      ...options,
      ...hooks,
      unending: options.outbox !== undefined,
      writers: this.#writers,
      lanes: this.#lanes,
      breakers: this.#breakers,
      counts: this.#counts,
      onLanded: hooks.onEnd,
    })
    const { transactionalId, outbox } = options
    if (transactionalId !== undefined) {
      this.#sender = new TransactionSender({ transport, clientId, transactionalId, logger })
      this.#transactions = new Transactions({ ...hooks, sender: this.#sender, keys: this.#keys, maxRetries: options.transactionRetries })
    }
    if (outbox !== undefined) this.#kept = new KeptEvents(outbox, logger, (found, failure) => this.#opened(found, failure))
    this.#waiting = new WaitingEvents({ policy, policies, keys: this.#keys })
  }

  publish<Type extends keyof Events & string>(
    type: Type,
    payload: PayloadOf<Events[Type]>,
    options?: PublishOptions,
  ): Promise<PublishReceipt> {
    return this.#publish(type, payload, options)
  }

  #publish(type: string, payload: unknown, options: PublishOptions | undefined): Promise<PublishReceipt> {
    const { promise, resolve, reject } = deferred<PublishReceipt>()
    // Its failure is logged: who does not wait for it is not ended by it.
    promise.catch(() => undefined)
    try {
      if (this.#closing !== undefined) throw alreadyClosed(type)
      const event = this.#encoder.encode(type, payload, { resolve, reject, options })
      event.arrivedAt = this.#clock.monotonic()
      this.#kept?.check()
      const hasRoom = this.#buffer.enter(event)
      this.#taken(event)
      this.#kept?.keep(event)
      if (hasRoom) this.#whenOpened([event], false)
    } catch (error) {
      this.#counts.rejected++
      this.#refusals.add(type, error as PublishError)
      reject(error)
      return promise
    }
    this.#timer.soon()
    return promise
  }

  #taken(event: PendingEvent): void {
    this.#counts.published++
    this.#unsettled.add(event)
    this.#forced.taken(event)
  }

  publishBatch(events: readonly PublishedEvent<Events>[]): Promise<readonly PublishOutcome[]> {
    return outcomesOf(events.map(({ type, payload, options }) => this.#publish(type, payload, options)))
  }

  async publishTransaction(events: readonly PublishedEvent<Events>[]): Promise<readonly PublishReceipt[]> {
    const transactions = this.#transactions
    if (transactions === undefined)
      throw new TypeError('publishTransaction needs the option transactionalId: a name that no other process has.')
    if (this.#closing !== undefined) throw alreadyClosed(events[0]?.type ?? '')
    this.#kept?.check()
    const promises: Promise<PublishReceipt>[] = []
    const pending = events.map(({ type, payload, options }) => {
      const { promise, resolve, reject } = deferred<PublishReceipt>()
      promises.push(promise)
      promise.catch(() => undefined)
      return this.#encoder.encode(type, payload, { resolve, reject, options })
    })
    const [first] = pending
    if (first === undefined) return []
    if (!this.#buffer.enterAll(pending)) throw bufferFull(first, this.#options.buffer)
    for (const event of pending) this.#taken(event)
    this.#whenOpened(pending, true)
    this.#timer.soon()
    return Promise.all(promises)
  }

  stored(): Promise<void> {
    if (this.#kept === undefined) return Promise.reject(new TypeError('stored needs the option outbox.'))
    return this.#kept.written()
  }

  /** The outbox is open: first what it has, then what was published meanwhile. Or it can't be opened. */
  #opened(found: readonly PendingEvent[], failure: PublishError | undefined): void {
    // They are left for the next publisher.
    if (this.#over) return
    if (failure !== undefined) return this.#rejectAll(failure)
    if (found.length > 0)
      this.#options.logger.info({ events: found.length }, 'the outbox has events that were not acknowledged: they are sent first')
    for (const event of found) {
      event.arrivedAt = this.#clock.monotonic()
      this.#unsettled.add(event)
      this.#forced.taken(event)
      this.#buffer.enterAnyway(event)
      this.#add(event)
    }
    for (const { events, isTransaction } of this.#early.splice(0)) this.#whenOpened(events, isTransaction)
    this.#timer.soon()
  }

  #rejectAll(failure: PublishError): void {
    this.#early = []
    for (const event of this.#buffer.expire(Infinity)) this.#reject(event, failure, false)
    for (const event of [...this.#unsettled]) this.#reject(event, failure, false)
  }

  /** They have room: they go behind what the outbox has. */
  #whenOpened(events: readonly PendingEvent[], isTransaction: boolean): void {
    if (this.#kept?.opening === true) this.#early.push({ events, isTransaction })
    else if (isTransaction) {
      this.#waiting.hold(events)
      this.#transactions?.add(events)
    } else for (const event of events) this.#add(event)
  }

  get #earlyEvents(): number {
    return this.#early.reduce((sum, { events }) => sum + events.length, 0)
  }

  #add(event: PendingEvent): void {
    this.#refusals.hadRoom()
    this.#waiting.add(event)
  }

  #flushDue(): void {
    if (this.#kept?.opening === true || this.#over) return
    const now = this.#clock.monotonic()
    this.#transactions?.begin()
    this.#expire(now)
    let waitMs = Infinity
    for (const group of this.#waiting.groups) waitMs = Math.min(waitMs, this.#flushGroup(group, now))
    this.#timer.again(Math.min(waitMs, this.#nextExpiryMs(now)), now)
  }

  /** Flushes what is due; returns in how many milliseconds more will be. */
  #flushGroup(group: FlushGroup, now: number): number {
    const blocked = new Set<Urgency>()
    const common = { now, finishing: this.#closing !== undefined, forcedBelow: this.#forced.epoch, blocked }
    for (;;) {
      const room = this.#rooms()
      const state = { ...common, room, full: this.#buffer.waitsFor((topic) => room(topic) > 0) }
      const decision = group.decide(state)
      if (!decision.cut) return Math.min(decision.waitMs, this.#flights.soonestMs)
      const { trigger } = decision
      const events = group.take(++this.#flushes, state, trigger)
      if (events.length > 0) void this.#flush(events, trigger, group)
      else if (trigger === 'critical' || trigger === 'forced') blocked.add(trigger)
      else return this.#flights.soonestMs
    }
  }

  /** How many events of a topic may go at the moment. */
  #rooms(): (topic: string) => number {
    const rooms = new Map<string, number>()
    return (topic) => {
      let room = rooms.get(topic)
      if (room === undefined) {
        room = this.#flights.waitMs(topic) > 0 ? 0 : this.#lanes.room(topic)
        rooms.set(topic, room)
      }
      return room
    }
  }

  /** One flush: an operation for all topics, and a flight for each until its events are settled. */
  async #flush(events: readonly PendingEvent[], trigger: FlushTrigger, group: FlushGroup): Promise<void> {
    const began = this.#clock.monotonic()
    const failedBefore = this.#counts.failed
    this.#counts.flushes++
    this.#counts.flushed += events.length
    this.#waiting.taken(events)
    const topics = byTopic(events)
    const results = await this.#flights.send(topics)
    const durationMs = this.#clock.monotonic() - began
    const failed = results.every((result) => result === 'good') ? 0 : this.#counts.failed - failedBefore
    group.sizer.finished({ records: events.length, durationMs, failed, waiting: this.#waiting.count })
    const about = { batchSize: events.length, topics: topics.size, durationMs, trigger, publisher: this.#options.clientId }
    this.#options.logger.info(about, 'events were flushed')
    this.#timer.soon()
  }

  /** What the next process may send is kept: all that is not refused for its own sake. */
  #reject(event: PendingEvent, error: PublishError, forGood: boolean): void {
    if (!this.#settle(event, forGood)) return
    this.#counts.failed++
    const { id, type, topic } = event
    this.#options.logger.warn({ eventId: id, type, topic, outcome: error.outcome, err: error }, 'an event was not published')
    event.reject(error)
  }

  /** Whether it was not settled before. */
  #settle(event: PendingEvent, done: boolean): boolean {
    const { state } = event
    if (state === 'settled') return false
    event.state = 'settled'
    this.#unsettled.delete(event)
    this.#forced.settled(event)
    if (done) this.#kept?.forget(event)
    if (state === 'new') return true
    if (state === 'waiting') this.#waiting.settled(event)
    this.#keys.settle(event, state === 'flying')
    for (const admitted of this.#buffer.leave(event)) this.#add(admitted)
    return true
  }

  /** Rejects what has waited for too long. */
  #expire(now: number): void {
    const { deliveryTimeoutMs } = this.#options
    for (const group of this.#waiting.groups)
      for (let oldest = group.oldest; oldest !== undefined && oldest.arrivedAt + deliveryTimeoutMs <= now; oldest = group.oldest)
        this.#reject(oldest, notSent(oldest, `it has waited for ${deliveryTimeoutMs} ms (deliveryTimeoutMs)`), false)
    for (const event of this.#buffer.expire(now - deliveryTimeoutMs))
      this.#reject(event, notSent(event, `there was no room for it for ${deliveryTimeoutMs} ms (deliveryTimeoutMs)`), false)
  }

  #nextExpiryMs(now: number): number {
    const oldest = Math.min(this.#waiting.oldestArrival, this.#buffer.waitingSince)
    return Math.max(0, oldest + this.#options.deliveryTimeoutMs - now)
  }

  forceFlush(): Promise<void> {
    const flushed = this.#forced.reached()
    this.#timer.soon()
    return flushed
  }

  getBatchStatus(): BatchStatus {
    const { config } = this.#options
    const now = this.#clock.monotonic()
    const oldest = this.#waiting.oldestArrival
    const degradedTopics = this.#lanes.degraded
    const waitingForRoom = this.#buffer.waiting
    return {
      pendingEvents: this.#waiting.count + this.#earlyEvents,
      pendingBytes: this.#waiting.bytes,
      oldestAgeMs: oldest === Infinity ? 0 : now - oldest,
      inFlight: this.#unsettled.size - this.#waiting.count - this.#earlyEvents - waitingForRoom,
      waitingForRoom,
      batchSize: Math.min(this.#waiting.groups[0].sizer.limits.size, config.maxSize),
      maxBatchSize: config.maxSize,
      batchTimeoutMs: config.timeoutMs,
      degraded: degradedTopics.length > 0,
      degradedTopics,
      circuits: Object.fromEntries(this.#breakers?.open ?? []),
    }
  }

  metrics(): PublisherMetrics {
    const scheduled = this.#waiting.count > 0 && this.#timer.isSet
    return metricsOf(this.getBatchStatus(), this.#counts, { bufferedBytes: this.#buffer.bytes, scheduled })
  }

  close({ timeoutMs = this.#options.closeTimeoutMs }: { readonly timeoutMs?: number | undefined } = {}): Promise<CloseReport> {
    this.#closing ??= this.#close(timeoutMs)
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(timeoutMs: number): Promise<CloseReport> {
    const until = this.#clock.monotonic() + timeoutMs
    const within = (work: Promise<unknown>, leastMs: number) =>
      settledWithin(work, Math.max(leastMs, until - this.#clock.monotonic()), this.#clock)
    // Takes effect before anything else can happen: nothing is taken from here on.
    await Promise.resolve()
    if (this.#kept !== undefined) await within(this.#kept.opened, 0)
    await within(this.forceFlush(), 0)
    this.#over = true
    this.#timer.cancel()
    this.#flights.end()
    // What is said to be kept is on disk.
    if (this.#kept !== undefined && this.#unsettled.size > 0) await within(this.#kept.written(), LETTING_GO_MS)
    const unsent = [...this.#unsettled].map(unsentOf)
    for (const event of this.#buffer.expire(Infinity))
      this.#reject(event, notSent(event, 'the publisher was closed before there was room for it'), false)
    for (const event of [...this.#unsettled]) this.#reject(event, closedBefore(event, timeoutMs), false)
    await within(Promise.all([this.#writers.close(), this.#sender?.close(), this.#kept?.close()]), LETTING_GO_MS)
    this.#options.logger.info({ publisher: this.#options.clientId, unsent: unsent.length }, 'the publisher was closed')
    return { unsent }
  }
}
