import { CircuitBreakers, type Clock, deferred, settledWithin } from '@millrace/core'
import { EventBuffer } from './event-buffer.ts'
import { EventEncoder } from './event-encoder.ts'
import type { EventDefinitions, PayloadOf, PublishedEvent, PublishOptions, PublishOutcome, PublishReceipt } from './events.ts'
import { Flights } from './flights.ts'
import { FlushGroup, type FlushTrigger } from './flush-group.ts'
import { ForcedFlushes } from './forced-flushes.ts'
import { KeyLanes } from './key-lanes.ts'
import type { PendingEvent } from './pending-event.ts'
import { alreadyClosed, deliveryFailed, notSent } from './publish-failures.ts'
import type { PublishError } from './publish-error.ts'
import type { BatchStatus, CloseReport, Publisher, UnsentEvent } from './publisher.ts'
import { PublisherCounts, type PublisherMetrics } from './publisher-metrics.ts'
import type { ResolvedPublisher } from './resolve-options.ts'
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
  readonly #groups: readonly FlushGroup[]
  readonly #ownGroups = new Map<string, FlushGroup>()
  readonly #counts = new PublisherCounts()
  readonly #forced = new ForcedFlushes()
  readonly #unsettled = new Set<PendingEvent>()
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
    this.#flights = new Flights({
      ...options,
      writers: this.#writers,
      lanes: this.#lanes,
      breakers: this.#breakers,
      counts: this.#counts,
      onWritten: (event, { partition, offset }) => {
        if (!this.#settle(event)) return
        this.#counts.delivered++
        event.resolve({ id: event.id, topic: event.topic, partition, offset })
      },
      onFailed: (event, error) => this.#reject(event, error),
      onLanded: () => this.#schedule(),
    })
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
      if (this.#buffer.enter(event)) this.#add(event)
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

  /** It has room. */
  #add(event: PendingEvent): void {
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
    const now = this.#clock.monotonic()
    this.#expire(now)
    let waitMs = Infinity
    for (const group of this.#groups) waitMs = Math.min(waitMs, this.#flushGroup(group, now))
    this.#lookAgainIn(Math.min(waitMs, this.#nextExpiryMs(now)), now)
  }

  /** Flushes what is due; returns in how many milliseconds more will be. */
  #flushGroup(group: FlushGroup, now: number): number {
    const room = (topic: string) => (this.#flights.waitMs(topic) > 0 ? 0 : this.#lanes.room(topic))
    const forced = this.#forced.waiting || this.#closing !== undefined
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
    if (!this.#settle(event)) return
    this.#counts.failed++
    const { id, type, topic } = event
    this.#options.logger.warn({ eventId: id, type, topic, outcome: error.outcome, err: error }, 'an event was not published')
    event.reject(error)
  }

  /** Whether it was not settled before. */
  #settle(event: PendingEvent): boolean {
    const { state } = event
    if (state === 'settled') return false
    event.state = 'settled'
    this.#unsettled.delete(event)
    this.#forced.settled(event)
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
      pendingEvents: this.#pending,
      pendingBytes: this.#pendingBytes,
      oldestAgeMs: oldest === Infinity ? 0 : now - oldest,
      inFlight: this.#unsettled.size - this.#pending - waitingForRoom,
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
    const { pendingEvents, inFlight, batchSize, batchTimeoutMs, maxBatchSize, degradedTopics } = this.getBatchStatus()
    const counts = this.#counts
    return {
      batch: {
        pending_batch_messages: pendingEvents,
        in_flight_messages: inFlight,
        buffered_bytes: this.#buffer.bytes,
        batch_size_configured: batchSize,
        batch_timeout_ms: batchTimeoutMs,
        max_batch_size: maxBatchSize,
        has_scheduled_flush: pendingEvents > 0 && (this.#scheduled || this.#timerAt < Infinity) ? 1 : 0,
        degraded_topics: degradedTopics.length,
        published_total: counts.published,
        delivered_total: counts.delivered,
        failed_total: counts.failed,
        rejected_total: counts.rejected,
        flushes_total: counts.flushes,
        flushed_messages_total: counts.flushed,
        retries_total: counts.retries,
        batches_taken_apart_total: counts.takenApart,
      },
    }
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
    const unsent = [...this.#unsettled].map((event): UnsentEvent => {
      const outcome = event.state === 'flying' ? 'unknown' : 'not-sent'
      return { id: event.id, type: event.type, topic: event.topic, outcome, kept: false }
    })
    for (const event of this.#buffer.expire(Infinity))
      this.#reject(event, notSent(event, 'the publisher was closed before there was room for it'))
    for (const event of [...this.#unsettled]) this.#reject(event, closedBefore(event, timeoutMs))
    this.#cancelTimer()
    const leftMs = Math.max(LETTING_GO_MS, timeoutMs - (this.#clock.monotonic() - began))
    await this.#writers.close(Math.min(leftMs, LETTING_GO_MS))
    this.#options.logger.info({ publisher: this.#options.clientId, unsent: unsent.length }, 'the publisher was closed')
    return { unsent }
  }
}

function closedBefore(event: PendingEvent, timeoutMs: number): PublishError {
  const reason = `the publisher was closed, and ${timeoutMs} ms did not suffice for it`
  if (event.state !== 'flying') return notSent(event, reason)
  return deliveryFailed(event, { outcome: 'unknown', error: notSent(event, reason) }, false)
}
