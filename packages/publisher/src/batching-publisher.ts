import { CircuitBreakers, type Clock, deferred, type MillraceError, settledWithin } from '@millrace/core'
import { bufferFull, EventBuffer } from './event-buffer.ts'
import { EventEncoder } from './event-encoder.ts'
import type { EventDefinitions, PayloadOf, PublishedEvent, PublishOptions, PublishOutcome, PublishReceipt } from './events.ts'
import { Flights } from './flights.ts'
import { FlushGroup, type FlushTrigger } from './flush-group.ts'
import { ForcedFlushes } from './forced-flushes.ts'
import { KeyLanes } from './key-lanes.ts'
import type { PendingEvent } from './pending-event.ts'
import { alreadyClosed, closedBefore, notSent, unsentOf } from './publish-failures.ts'
import type { PublishError } from './publish-error.ts'
import type { BatchStatus, CloseReport, Publisher } from './publisher.ts'
import { metricsOf, PublisherCounts, type PublisherMetrics } from './publisher-metrics.ts'
import type { ResolvedPublisher } from './resolve-options.ts'
import { TransactionSender } from './transaction-sender.ts'
import { Transactions } from './transactions.ts'
import { KeptEvents } from './outbox/kept-events.ts'
import { TopicLanes } from './topic-lane.ts'
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
  readonly #groups: readonly FlushGroup[]
  readonly #ownGroups = new Map<string, FlushGroup>()
  readonly #counts = new PublisherCounts()
  readonly #forced = new ForcedFlushes()
  readonly #unsettled = new Set<PendingEvent>()
  /** Published while the outbox was being opened: they come behind what is found there. */
  #early: { readonly events: readonly PendingEvent[]; readonly add: () => void }[] = []
  #sequence = 0
  #flushes = 0
  #pending = 0
  #pendingBytes = 0
  #scheduled = false
  #cancelTimer: () => void = () => undefined
  #timerAt = Infinity
  #closing: Promise<CloseReport> | undefined

  constructor(options: ResolvedPublisher) {
    const { clock, logger, policy, policies, circuitBreaker, degrade, transport, clientId } = options
    this.#options = options
    this.#clock = clock
    this.#encoder = new EventEncoder(options.events, clock)
    this.#buffer = new EventBuffer(options.buffer)
    this.#lanes = new TopicLanes({
      ...degrade,
      onDegraded: (topic, degraded) =>
        logger.warn({ topic }, degraded ? 'batches keep failing: the topic gets single events' : 'the topic gets batches again'),
    })
    if (circuitBreaker !== false)
      this.#breakers = new CircuitBreakers(circuitBreaker, clock, (topic, from, to) =>
        logger.warn({ topic, from, to }, 'the circuit of a topic'),
      )
    this.#writers = new Writers({ transport, clientId, logger, clock })
    const hooks = {
      onWritten: (event: PendingEvent, { partition, offset }: { readonly partition: number; readonly offset: number }) => {
        if (!this.#settle(event, true)) return
        this.#counts.delivered++
        event.resolve({ id: event.id, topic: event.topic, partition, offset })
      },
      onFailed: (event: PendingEvent, error: PublishError) => this.#reject(event, error),
      onEnd: () => this.#schedule(),
      wait: (retry: number, error: MillraceError, events: number) => this.#flights.waitForRetry({ retry, error, events }),
    }
    this.#flights = new Flights({
      ...options,
      ...hooks,
      writers: this.#writers,
      lanes: this.#lanes,
      breakers: this.#breakers,
      counts: this.#counts,
      onLanded: hooks.onEnd,
    })
    const { transactionalId, outbox } = options
    if (transactionalId !== undefined) {
      this.#sender = new TransactionSender({ transport, clientId, transactionalId, logger, clock })
      this.#transactions = new Transactions({ ...hooks, sender: this.#sender, keys: this.#keys, maxRetries: options.maxRetries })
    }
    if (outbox !== undefined) this.#kept = new KeptEvents(outbox, logger, (found, failure) => this.#opened(found, failure))
    const groupOf = (event: PendingEvent) => this.#groupOf(event)
    const common = new FlushGroup(policy, this.#keys, groupOf)
    for (const [type, own] of policies) this.#ownGroups.set(type, new FlushGroup(own, this.#keys, groupOf))
    this.#groups = [common, ...this.#ownGroups.values()]
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
    try {
      if (this.#closing !== undefined) throw alreadyClosed(type)
      const event = this.#encoder.encode(type, payload, { resolve, reject, options })
      event.arrivedAt = this.#clock.monotonic()
      this.#kept?.check()
      if (this.#buffer.enter(event)) this.#whenOpened([event], () => this.#add(event))
      this.#unsettled.add(event)
    } catch (error) {
      this.#counts.rejected++
      reject(error)
      return promise
    }
    this.#counts.published++
    // Its failure is logged: who does not wait for it is not ended by it.
    promise.catch(() => undefined)
    this.#schedule()
    return promise
  }

  async publishBatch(events: readonly PublishedEvent<Events>[]): Promise<readonly PublishOutcome[]> {
    const published = events.map(({ type, payload, options }) => this.#publish(type, payload, options))
    const settled = await Promise.allSettled(published)
    return settled.map((one) =>
      one.status === 'fulfilled' ? { ok: true, receipt: one.value } : { ok: false, error: one.reason as PublishError },
    )
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
    this.#counts.published += pending.length
    for (const event of pending) this.#unsettled.add(event)
    this.#whenOpened(pending, () => {
      for (const event of pending) {
        event.state = 'held'
        event.sequence = ++this.#sequence
        this.#keys.add(event)
      }
      transactions.add(pending)
    })
    this.#schedule()
    return Promise.all(promises)
  }

  stored(): Promise<void> {
    if (this.#kept === undefined) return Promise.reject(new TypeError('stored needs the option outbox.'))
    return this.#kept.written()
  }

  /** The outbox is open: first what it has, then what was published meanwhile. Or it can't be opened. */
  #opened(found: readonly PendingEvent[], failure: PublishError | undefined): void {
    if (failure !== undefined) return this.#rejectAll(failure)
    if (found.length > 0)
      this.#options.logger.info({ events: found.length }, 'the outbox has events that were not acknowledged: they are sent first')
    for (const event of found) {
      event.arrivedAt = this.#clock.monotonic()
      this.#unsettled.add(event)
      this.#buffer.enterAnyway(event)
      this.#add(event)
    }
    // But for what was given up meanwhile.
    for (const { events, add } of this.#early.splice(0)) if (events.every(({ state }) => state === 'new')) add()
    this.#schedule()
  }

  #rejectAll(failure: PublishError): void {
    for (const event of this.#buffer.expire(Infinity)) this.#reject(event, failure)
    for (const event of [...this.#unsettled]) this.#reject(event, failure)
  }

  #whenOpened(events: readonly PendingEvent[], add: () => void): void {
    if (this.#kept?.opening === true) this.#early.push({ events, add })
    else add()
  }

  get #earlyEvents(): number {
    return this.#early.reduce((sum, { events }) => sum + events.length, 0)
  }

  /** It has room. */
  #add(event: PendingEvent): void {
    this.#kept?.keep(event)
    event.state = 'waiting'
    event.sequence = ++this.#sequence
    this.#pending++
    this.#pendingBytes += event.bytes
    this.#keys.add(event)
    const group = this.#groupOf(event)
    group.add(event)
    group.sizer.arrived(1, event.arrivedAt)
  }

  #groupOf({ type }: PendingEvent): FlushGroup {
    return this.#ownGroups.get(type) ?? (this.#groups[0] as FlushGroup)
  }

  /** Looks, when whoever publishes at the moment has done so, whether a flush is due. */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#flushDue()
    })
  }

  #flushDue(): void {
    if (this.#kept?.opening === true) return
    const now = this.#clock.monotonic()
    this.#transactions?.begin()
    this.#expire(now)
    let waitMs = Infinity
    for (const group of this.#groups) waitMs = Math.min(waitMs, this.#flushGroup(group, now))
    this.#lookAgainIn(Math.min(waitMs, this.#nextExpiryMs(now)), now)
  }

  /** Flushes what is due; returns in how many milliseconds more will be. */
  #flushGroup(group: FlushGroup, now: number): number {
    const room = (topic: string) => (this.#flights.waitMs(topic) > 0 ? 0 : this.#lanes.room(topic))
    const forced = this.#forced.waiting || this.#closing !== undefined || this.#transactions?.waiting === true
    for (let noCritical = false; ;) {
      const decision = group.decide({ now, room, finishing: forced, full: this.#buffer.waiting > 0, noCritical })
      if (!decision.cut) return Math.min(decision.waitMs, this.#flights.soonestMs)
      const { trigger } = decision
      const events = group.take(++this.#flushes, room, trigger === 'critical')
      if (events.length === 0 && trigger !== 'critical') return this.#flights.soonestMs
      if (events.length === 0) noCritical = true
      else void this.#flush(events, trigger === 'drain' && this.#closing === undefined ? 'forced' : trigger, group)
    }
  }

  #lookAgainIn(waitMs: number, now: number): void {
    const at = now + waitMs
    if (at === this.#timerAt) return
    this.#cancelTimer()
    this.#timerAt = at
    this.#cancelTimer = () => undefined
    if (at === Infinity) return
    this.#cancelTimer = this.#clock.after(Math.ceil(waitMs), () => {
      this.#timerAt = Infinity
      this.#flushDue()
    })
  }

  /** One flush: an operation for all topics, and a flight for each until its events are settled. */
  async #flush(events: readonly PendingEvent[], trigger: FlushTrigger, group: FlushGroup): Promise<void> {
    const began = this.#clock.monotonic()
    const failedBefore = this.#counts.failed
    this.#counts.flushes++
    this.#counts.flushed += events.length
    for (const { bytes } of events) this.#pendingBytes -= bytes
    this.#pending -= events.length
    const topics = byTopic(events)
    const results = await this.#flights.send(topics)
    const durationMs = this.#clock.monotonic() - began
    const failed = results.every((result) => result === 'good') ? 0 : this.#counts.failed - failedBefore
    group.sizer.finished({ records: events.length, durationMs, failed, waiting: this.#pending })
    const about = { batchSize: events.length, topics: topics.size, durationMs, trigger, publisher: this.#options.clientId }
    this.#options.logger.info(about, 'events were flushed')
    this.#schedule()
  }

  #reject(event: PendingEvent, error: PublishError): void {
    // What may be sent again by the next process is kept.
    if (!this.#settle(event, error.outcome === 'refused' && !error.retryable)) return
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
    if (state === 'waiting') {
      this.#pending--
      this.#pendingBytes -= event.bytes
      this.#groupOf(event).removed(event)
    }
    this.#keys.settle(event, state === 'flying')
    for (const admitted of this.#buffer.leave(event)) this.#add(admitted)
    return true
  }

  /** Rejects what has waited for too long. */
  #expire(now: number): void {
    const { deliveryTimeoutMs } = this.#options
    for (const group of this.#groups)
      for (let oldest = group.oldest; oldest !== undefined && oldest.arrivedAt + deliveryTimeoutMs <= now; oldest = group.oldest)
        this.#reject(oldest, notSent(oldest, `it has waited for ${deliveryTimeoutMs} ms (deliveryTimeoutMs)`))
    for (const event of this.#buffer.expire(now - deliveryTimeoutMs))
      this.#reject(event, notSent(event, `there was no room for it for ${deliveryTimeoutMs} ms (deliveryTimeoutMs)`))
  }

  #nextExpiryMs(now: number): number {
    const waiting = [...this.#groups.map((group) => group.oldest), this.#buffer.waiters[0]]
    const oldest = Math.min(...waiting.map((event) => event?.arrivedAt ?? Infinity))
    return Math.max(0, oldest + this.#options.deliveryTimeoutMs - now)
  }

  forceFlush(): Promise<void> {
    const flushed = this.#forced.until(this.#unsettled)
    this.#schedule()
    return flushed
  }

  getBatchStatus(): BatchStatus {
    const { config } = this.#options
    const now = this.#clock.monotonic()
    const oldest = Math.min(...this.#groups.map((group) => group.oldest?.arrivedAt ?? Infinity))
    const degradedTopics = this.#lanes.degraded
    const waitingForRoom = this.#buffer.waiting
    return {
      pendingEvents: this.#pending + this.#earlyEvents,
      pendingBytes: this.#pendingBytes,
      oldestAgeMs: oldest === Infinity ? 0 : now - oldest,
      inFlight: this.#unsettled.size - this.#pending - this.#earlyEvents - waitingForRoom,
      waitingForRoom,
      batchSize: Math.min((this.#groups[0] as FlushGroup).sizer.limits.size, config.maxSize),
      maxBatchSize: config.maxSize,
      batchTimeoutMs: config.timeoutMs,
      degraded: degradedTopics.length > 0,
      degradedTopics,
      circuits: Object.fromEntries(this.#breakers?.open ?? []),
    }
  }

  metrics(): PublisherMetrics {
    const scheduled = this.#pending > 0 && (this.#scheduled || this.#timerAt < Infinity)
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
    const began = this.#clock.monotonic()
    // Takes effect before anything else can happen: nothing is taken from here on.
    await Promise.resolve()
    await settledWithin(this.forceFlush(), timeoutMs, this.#clock)
    this.#flights.end()
    const unsent = [...this.#unsettled].map(unsentOf)
    for (const event of this.#buffer.expire(Infinity))
      this.#reject(event, notSent(event, 'the publisher was closed before there was room for it'))
    for (const event of [...this.#unsettled]) this.#reject(event, closedBefore(event, timeoutMs))
    this.#cancelTimer()
    const leftMs = Math.max(LETTING_GO_MS, timeoutMs - (this.#clock.monotonic() - began))
    const limitMs = Math.min(leftMs, LETTING_GO_MS)
    await Promise.all([this.#writers.close(limitMs), this.#sender?.close(limitMs), this.#kept?.close()])
    this.#options.logger.info({ publisher: this.#options.clientId, unsent: unsent.length }, 'the publisher was closed')
    return { unsent }
  }
}
