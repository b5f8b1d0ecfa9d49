import { type CircuitBreakers, type Clock, deferred, type MillraceError } from '@millrace/core'
import { batchTimeoutOf } from './batch-timeout.ts'
import { Closing } from './closing.ts'
import { type Early, EarlyEvents } from './early-events.ts'
import { bufferFull, EventBuffer } from './event-buffer.ts'
import { EventEncoder } from './event-encoder.ts'
import type { EventDefinitions, PayloadOf, PublishedEvent, PublishOptions, PublishOutcome, PublishReceipt } from './events.ts'
import { Expiry } from './expiry.ts'
import { Flights } from './flights.ts'
import { FlushLog } from './flush-log.ts'
import { FlushLoop } from './flush-loop.ts'
import { ForcedFlushes } from './forced-flushes.ts'
import { outcomesOf } from './outcomes-of.ts'
import type { PendingEvent } from './pending-event.ts'
import { alreadyClosed, closedBefore, needsTransactionalId, notSent, ofTransaction, rejectQuietly } from './publish-failures.ts'
import type { PublishError } from './publish-error.ts'
import type { BatchStatus, CloseReport, Publisher } from './publisher.ts'
import { metricsOf, PublisherCounts, type PublisherMetrics } from './publisher-metrics.ts'
import { Refusals } from './refusals.ts'
import type { ResolvedPublisher } from './resolve-options.ts'
import { TransactionSender } from './transaction-sender.ts'
import { Transactions } from './transactions.ts'
import { KeptEvents } from './outbox/kept-events.ts'
import { UnsettledEvents } from './unsettled-events.ts'
import { breakersFor, lanesFor } from './topic-guards.ts'
import type { TopicLanes } from './topic-lane.ts'
import { waitedFor, type WaitOptions } from './wait-options.ts'
import { WaitingEvents } from './waiting-events.ts'
import { Writers } from './writers.ts'

/** Publishes from this process. */
export class BatchingPublisher<Events extends EventDefinitions> implements Publisher<Events> {
  readonly #options: ResolvedPublisher
  readonly #clock: Clock
  readonly #encoder: EventEncoder
  #buffer: EventBuffer
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
  readonly #unsettled = new UnsettledEvents()
  readonly #closing: Closing
  readonly #loop: FlushLoop
  readonly #refusals: Refusals
  readonly #log: FlushLog
  /** Published while the outbox was being opened: they come behind what is found there, if there is room for them then. */
  readonly #early = new EarlyEvents()
  /** Nothing is sent any more. */
  #over = false

  constructor(options: ResolvedPublisher, encoder = new EventEncoder(options.events, options.clock)) {
    const { clock, logger, transport, clientId } = options
    this.#options = options
    this.#clock = clock
    this.#encoder = encoder
    this.#buffer = new EventBuffer(options.buffer, options.topics)
    this.#refusals = new Refusals(options)
    this.#lanes = lanesFor(options)
    this.#breakers = breakersFor(options)
    const log = new FlushLog({ logger, clock, clientId, counts: this.#counts })
    this.#log = log
    this.#writers = new Writers({ transport, clientId, logger })
    const hooks = {
      onWritten: (event: PendingEvent, { partition, offset }: { readonly partition: number; readonly offset: number }) => {
        if (!this.#settle(event, true)) return
        this.#counts.delivered++
        event.answer?.resolve({ id: event.id, topic: event.topic, partition, offset })
        this.#forced.settled(event)
      },
      onFailed: (event: PendingEvent, error: PublishError, forGood: boolean) => this.#reject(event, error, forGood),
      onEnd: () => this.#loop.soon(),
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
    this.#waiting = new WaitingEvents(options)
    const { transactionalId, outbox } = options
    if (transactionalId !== undefined) {
      this.#sender = new TransactionSender({ ...options, transactionalId, compression: options.transactionCompression })
      const { keys } = this.#waiting
      const { transactionRetries: maxRetries, transactionDeliveryMs: deliveryMs } = options
      this.#transactions = new Transactions({
        ...hooks,
        sender: this.#sender,
        keys,
        maxRetries,
        deliveryMs,
        maxFlush: options.config.maxSize,
        log,
      })
    }
    if (outbox !== undefined) this.#kept = new KeptEvents(outbox, logger, (found, failure) => this.#opened(found, failure))
    const { deliveryTimeoutMs } = options
    const parts = { waiting: this.#waiting, transactions: this.#transactions }
    this.#loop = new FlushLoop({
      ...parts,
      clock,
      expiry: new Expiry({ ...parts, deliveryTimeoutMs, reject: hooks.onFailed }),
      flights: this.#flights,
      forced: this.#forced,
      log,
      counts: this.#counts,
      buffer: () => this.#buffer,
      isFinishing: () => this.#closing.begun,
      isHeld: () => this.#kept?.opening === true || this.#over,
    })
    this.#closing = new Closing({
      clock,
      logger,
      clientId,
      kept: this.#kept,
      flush: () => this.forceFlush(),
      stop: () => {
        this.#over = true
        this.#loop.cancel()
      },
      hasPending: () => this.#unsettled.count > 0,
      giveUp: (timeoutMs) => this.#giveUp(timeoutMs),
      letGo: () => Promise.all([this.#writers.close(), this.#sender?.close(), this.#kept?.close()]),
    })
  }

  publish<Type extends keyof Events & string>(
    type: Type,
    payload: PayloadOf<Events[Type]>,
    options?: PublishOptions,
  ): Promise<PublishReceipt> {
    return this.#publish(type, payload, options)
  }

  #publish(type: string, payload: unknown, options: PublishOptions | undefined): Promise<PublishReceipt> {
    const answer = deferred<PublishReceipt>()
    try {
      if (this.#closing.begun) throw alreadyClosed(type)
      this.#take([this.#encoder.encode(type, payload, { answer, options })], false)
    } catch (error) {
      this.#refuse([type], error as PublishError)
      rejectQuietly(answer, error as PublishError)
    }
    return answer.promise
  }

  publishBatch(events: readonly PublishedEvent<Events>[]): Promise<readonly PublishOutcome[]> {
    return outcomesOf(events.map(({ type, payload, options }) => this.#publish(type, payload, options)))
  }

  publishTransaction(events: readonly PublishedEvent<Events>[]): Promise<readonly PublishReceipt[]> {
    const published = this.#publishTransaction(events)
    // Its failure is logged: who does not wait for it is not ended by it.
    published.catch(() => undefined)
    return published
  }

  async #publishTransaction(events: readonly PublishedEvent<Events>[]): Promise<readonly PublishReceipt[]> {
    const answers = events.map(() => deferred<PublishReceipt>())
    try {
      if (this.#transactions === undefined) throw needsTransactionalId()
      if (this.#closing.begun) throw alreadyClosed(events[0]?.type ?? '')
      const pending = events.map(({ type, payload, options }, i) => this.#encoder.encode(type, payload, { answer: answers[i], options }))
      if (pending.length > 0) this.#take(pending, true)
    } catch (error) {
      const types = events.map(({ type }) => type)
      this.#refuse(types, error as Error)
      throw error
    }
    return Promise.all(answers.map(({ promise }) => promise))
  }

  /** Throws a `PublishError` for what is not taken. */
  #take(events: readonly PendingEvent[], isTransaction: boolean): void {
    this.#kept?.check()
    for (const event of events) {
      event.inTransaction = isTransaction
      event.epoch = this.#forced.epoch
    }
    if (this.#kept?.opening === true) this.#takeEarly({ events, isTransaction })
    else this.#enter({ events, isTransaction })
    for (const event of events) {
      this.#counts.published++
      this.#unsettled.add(event)
      this.#forced.taken(event)
    }
    this.#loop.soon()
  }

  /** No more than there would be room for, in memory and in line. */
  #takeEarly({ events, isTransaction }: Early): void {
    if (!isTransaction) for (const event of events) this.#buffer.enter(event)
    else if (!this.#buffer.enterAll(events)) throw bufferFull(events[0] as PendingEvent, this.#options.buffer)
    this.#early.add({ events, isTransaction })
  }

  #enter({ events, isTransaction }: Early): void {
    if (isTransaction) {
      if (!this.#buffer.enterAll(events)) throw bufferFull(events[0] as PendingEvent, this.#options.buffer)
      this.#waiting.hold(events)
      this.#transactions?.add(events)
      return
    }
    for (const event of events) {
      const hasRoom = this.#buffer.enter(event)
      this.#kept?.keep(event)
      if (hasRoom) this.#waiting.add(event)
    }
  }

  /** They were not taken. */
  #refuse(types: readonly string[], error: Error): void {
    this.#counts.rejected += types.length
    this.#refusals.add(types[0] ?? '', error)
  }

  stored(options: WaitOptions = {}): Promise<void> {
    if (this.#kept === undefined) return Promise.reject(new TypeError('stored needs the option outbox.'))
    return waitedFor(this.#kept.written(), options, { clock: this.#clock, name: 'stored' })
  }

  /** The outbox is open: first what it has, then what was published meanwhile. Or it can't be opened. */
  #opened(found: readonly PendingEvent[], failure: PublishError | undefined): void {
    // They are left for the next publisher.
    if (this.#over) return
    if (failure !== undefined) return this.#rejectAll(failure)
    if (found.length > 0)
      this.#options.logger.info({ events: found.length }, 'the outbox has events that were not acknowledged: they are sent first')
    // What is found has its room, and its place in line, before what was published meanwhile.
    this.#buffer = new EventBuffer(this.#options.buffer, this.#options.topics)
    const arrivedAt = this.#clock.monotonic()
    for (const event of found) {
      event.arrivedAt = arrivedAt
      this.#unsettled.add(event)
      this.#forced.taken(event)
      if (this.#buffer.enterAnyway(event)) this.#waiting.add(event)
    }
    for (const early of this.#early.take()) {
      try {
        this.#enter(early)
      } catch (error) {
        for (const event of early.events) this.#reject(event, error as PublishError, false)
      }
    }
    this.#loop.soon()
  }

  #rejectAll(failure: PublishError): void {
    this.#early.take()
    for (const event of this.#buffer.expire(Infinity)) this.#reject(event, failure, false)
    for (const event of this.#unsettled.all) this.#reject(event, failure, false)
  }

  /** What the next process may send is kept: all that is not refused for its own sake. */
  #reject(event: PendingEvent, why: PublishError, forGood: boolean): void {
    if (!this.#settle(event, forGood)) return
    const error = event.inTransaction === true ? ofTransaction(event, why) : why
    this.#counts.failed++
    this.#closing.failed(event, error)
    const { id, type, topic } = event
    this.#options.logger.warn({ eventId: id, type, topic, outcome: error.outcome, err: error }, 'an event was not published')
    if (event.answer !== undefined) rejectQuietly(event.answer, error)
    this.#forced.settled(event)
  }

  /** Whether it was not settled before. */
  #settle(event: PendingEvent, done: boolean): boolean {
    const { state } = event
    if (state === 'settled') return false
    event.state = 'settled'
    this.#unsettled.settled()
    if (done) this.#kept?.forget(event)
    if (state === 'new') return true
    this.#waiting.settled(event, state)
    for (const admitted of this.#buffer.leave(event)) this.#waiting.add(admitted)
    return true
  }

  forceFlush(options: WaitOptions = {}): Promise<void> {
    const flushed = this.#forced.reached()
    this.#loop.soon()
    return waitedFor(flushed, options, { clock: this.#clock, name: 'forceFlush' })
  }

  getBatchStatus(): BatchStatus {
    const { config, policy } = this.#options
    const now = this.#clock.monotonic()
    const since = Math.min(this.#waiting.oldest?.arrivedAt ?? Infinity, this.#early.since)
    const pendingEvents = this.#waiting.count + this.#early.count
    const degradedTopics = this.#lanes.degraded
    const waitingForRoom = this.#kept?.opening === true ? 0 : this.#buffer.waiting
    return {
      pendingEvents,
      pendingBytes: this.#waiting.bytes + this.#early.bytes,
      oldestAgeMs: since === Infinity ? 0 : now - since,
      inFlight: this.#unsettled.count - pendingEvents - waitingForRoom,
      waitingForRoom,
      batchSize: Math.min(this.#waiting.groups[0].sizer.limits.size, config.maxSize),
      maxBatchSize: config.maxSize,
      batchTimeoutMs: batchTimeoutOf(policy),
      degraded: degradedTopics.length > 0,
      degradedTopics,
      circuits: Object.fromEntries(this.#breakers?.open ?? []),
    }
  }

  metrics(): PublisherMetrics {
    const scheduled = this.#waiting.count > 0 && this.#loop.expectsFlush
    return metricsOf(this.getBatchStatus(), this.#counts, { bufferedBytes: this.#buffer.bytes, scheduled })
  }

  close({ timeoutMs = this.#options.closeTimeoutMs }: { readonly timeoutMs?: number | undefined } = {}): Promise<CloseReport> {
    return this.#closing.begin(timeoutMs)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** What is left is rejected: what has no room yet, and what is under way. */
  #giveUp(timeoutMs: number): void {
    this.#log.giveUp()
    this.#early.take()
    this.#flights.end()
    for (const event of this.#buffer.expire(Infinity))
      this.#reject(event, notSent(event, 'the publisher was closed before there was room for it'), false)
    for (const event of this.#unsettled.all) this.#reject(event, closedBefore(event, timeoutMs), false)
  }
}
