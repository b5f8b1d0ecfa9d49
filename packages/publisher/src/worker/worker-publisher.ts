import { type Clock, deferred, settledWithin } from '@millrace/core'
import { bufferFull, EventBuffer } from '../event-buffer.ts'
import type { EventDefinitions, PayloadOf, PublishedEvent, PublishOptions, PublishOutcome, PublishReceipt } from '../events.ts'
import { ExpiryTimer } from '../expiry-timer.ts'
import { ForcedFlushes } from '../forced-flushes.ts'
import { outcomesOf } from '../outcomes-of.ts'
import { alreadyClosed, needsTransactionalId, notSent, ofTransaction, rejectQuietly } from '../publish-failures.ts'
import { PublishError } from '../publish-error.ts'
import type { BatchStatus, CloseReport, Publisher } from '../publisher.ts'
import { metricsOf, PublisherCounts, type PublisherMetrics } from '../publisher-metrics.ts'
import type { PublisherOptions } from '../publisher-options.ts'
import { Refusals } from '../refusals.ts'
import { UnsentEvents } from '../unsent-events.ts'
import { waitedFor, type WaitOptions } from '../wait-options.ts'
import type { ResolvedPublisher } from '../resolve-options.ts'
import { type CallMessage, errorOf, type FromWorker, type Settled, type Written } from './messages.ts'
import { isCall, type Outgoing, OutgoingQueue } from './outgoing.ts'
import type { Call, SentEvent } from './sent-event.ts'
import { SentEventMaker } from './sent-event-maker.ts'
import { startMessageOf } from './start-message.ts'
import { countDelivered, countFailed, countTaken, withThoseOf } from './worker-counts.ts'
import { unanswered } from './worker-failures.ts'
import { ENDING_MS, WorkerLink } from './worker-link.ts'
import { resolveWorker } from './worker-options.ts'
import { WorkerReport } from './worker-report.ts'

type ErrorFor = (of: SentEvent | undefined) => PublishError

type CallOf<Message> = Message extends CallMessage ? Omit<Message, 'call'> : never

/** Publishes through a process of its own. One that dies rejects what it had; the next event starts another. */
export class WorkerPublisher<Events extends EventDefinitions> implements Publisher<Events> {
  readonly #options: ResolvedPublisher
  readonly #clock: Clock
  readonly #buffer: EventBuffer<SentEvent>
  readonly #sent = new Map<number, SentEvent>()
  readonly #calls = new Map<number, Call>()
  readonly #forced = new ForcedFlushes()
  /** Of all workers: what those that are gone told last, and what the service knows by itself. */
  readonly #counts = new PublisherCounts()
  readonly #refusals: Refusals
  readonly #outgoing: OutgoingQueue
  readonly #link: WorkerLink
  readonly #expiry: ExpiryTimer
  /** Events of transactions that are under way. */
  #held = 0
  readonly #maker: SentEventMaker
  readonly #report = new WorkerReport()
  #closing: Promise<CloseReport> | undefined
  /** It sends nothing more. */
  #over = false
  readonly #unsent = new UnsentEvents()

  constructor(options: ResolvedPublisher, given: PublisherOptions<Events>) {
    this.#options = options
    this.#clock = options.clock
    this.#maker = new SentEventMaker(options)
    this.#buffer = new EventBuffer(options.buffer, options.topics)
    this.#refusals = new Refusals(options)
    const { clock, logger, clientId } = options
    this.#link = new WorkerLink({
      clock,
      logger,
      clientId,
      start: startMessageOf(options, given),
      worker: resolveWorker(given.worker),
      isAwaited: () => this.#sent.size + this.#calls.size > 0,
      onReady: () => this.#outgoing.send(),
      onMessage: (message) => this.#onMessage(message),
      onGone: (errorFor, hadBegun) => this.#onGone(errorFor, hadBegun),
    })
    this.#outgoing = new OutgoingQueue({
      clock,
      policies: [options.policy, ...options.policies.values()],
      open: () => {
        this.#link.start()
        return this.#link.open
      },
      send: (message, since) => {
        this.#report.handedOver(since)
        this.#link.send(message)
      },
    })
    this.#expiry = new ExpiryTimer({
      clock,
      next: () => Math.min(this.#buffer.waitingSince, this.#link.open ? Infinity : this.#outgoing.since) + options.deliveryTimeoutMs,
      expire: (now) => this.#expire(now - options.deliveryTimeoutMs, options.deliveryTimeoutMs),
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
      if (this.#closing !== undefined) throw alreadyClosed(type)
      const event = this.#maker.make(type, payload, { answer, options })
      const hasRoom = this.#buffer.enter(event)
      this.#forced.taken(event)
      countTaken(this.#counts, event)
      if (hasRoom) this.#send(event)
      this.#expiry.set()
    } catch (error) {
      this.#refuse([type], error as PublishError)
      rejectQuietly(answer, error as PublishError)
    }
    return answer.promise
  }

  /** They were not taken. */
  #refuse(types: readonly string[], error: Error): void {
    this.#counts.rejected += types.length
    this.#refusals.add(types[0] ?? '', error)
  }

  #send(event: SentEvent): void {
    this.#sent.set(event.message.n, event)
    this.#outgoing.push(event, event.critical)
  }

  #onMessage(message: FromWorker): void {
    const { settled = [], written, log } = message
    this.#report.told(message, this.#clock.monotonic())
    if (log !== undefined) this.#options.logger[log.level](log.about, log.message)
    if (written !== undefined) this.#onWritten(written)
    for (const one of settled) this.#onSettled(one)
  }

  #onSettled(settled: Settled): void {
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
    for (const event of call.events) countDelivered(this.#counts, event)
    call.resolve(settled.value as never)
  }

  #onWritten({ ns, partitions, offsets }: Written): void {
    for (const [i, n] of ns.entries()) {
      const event = this.#sent.get(n)
      if (event === undefined) continue
      const { id, topic, answer } = event
      countDelivered(this.#counts, event)
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
    countFailed(this.#counts, event, error.code)
    if (this.#closing !== undefined) this.#unsent.add(event, error)
  }

  /** What has waited since before `time`, for room or for a worker, is rejected. What the worker has is, by that. */
  #expire(time: number, limitMs: number): void {
    this.#rejectWaiters(time, `there was no room for it for ${limitMs} ms (deliveryTimeoutMs)`)
    const expired = this.#outgoing.take((one) => ((isCall(one) ? one.events[0] : one)?.arrivedAt ?? Infinity) <= time)
    const reason = `no worker could be started for it for ${limitMs} ms (deliveryTimeoutMs)`
    this.#rejectOutgoing(expired, (of) => notSent(of as SentEvent, reason))
  }

  #rejectWaiters(before: number, reason: string): void {
    for (const event of this.#buffer.expire(before)) {
      this.#reject(event, notSent(event, reason))
      this.#forced.settled(event)
    }
  }

  #leave(event: SentEvent): void {
    this.#sent.delete(event.message.n)
    this.#leaveBuffer(event)
  }

  #leaveBuffer(event: SentEvent): void {
    this.#forced.settled(event)
    for (const admitted of this.#buffer.leave(event)) this.#send(admitted)
  }

  #leaveHeld({ events }: Call): void {
    this.#held -= events.length
    for (const event of events) this.#leaveBuffer(event)
  }

  #onGone(errorFor: ErrorFor, hadBegun: boolean): void {
    // The next one counts from nothing.
    Object.assign(this.#counts, withThoseOf(this.#report.metrics, this.#counts))
    this.#report.clear()
    this.#rejectHandedOver(errorFor)
    // What was not handed to one that had begun has another.
    if (!hadBegun)
      this.#rejectOutgoing(
        this.#outgoing.take(() => true),
        errorFor,
      )
    this.#outgoing.send()
    this.#expiry.set()
  }

  #rejectHandedOver(errorFor: ErrorFor): void {
    const had = [...this.#calls.values(), ...this.#sent.values()].filter(({ handedOver }) => handedOver)
    this.#rejectOutgoing(had, errorFor)
  }

  #rejectOutgoing(all: readonly Outgoing[], errorFor: ErrorFor): void {
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

  #call<Value>(what: CallOf<CallMessage>, events: readonly SentEvent[] = []): Promise<Value> {
    const { promise, resolve, reject } = deferred<Value>()
    const call: Call = { message: { call: this.#maker.number(), ...what }, events, resolve, reject, handedOver: false }
    this.#calls.set(call.message.call, call)
    this.#held += events.length
    // Behind what was published before.
    this.#outgoing.call(call)
    this.#expiry.set()
    return promise
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
    const held: SentEvent[] = []
    try {
      if (this.#options.transactionalId === undefined) throw needsTransactionalId()
      if (this.#closing !== undefined) throw alreadyClosed(events[0]?.type ?? '')
      for (const { type, payload, options } of events) held.push(this.#maker.make(type, payload, { answer: undefined, options }))
      const [first] = held
      if (first === undefined) return []
      if (!this.#buffer.enterAll(held)) throw bufferFull(first, this.#options.buffer)
    } catch (error) {
      const types = events.map(({ type }) => type)
      this.#refuse(types, error as Error)
      throw error
    }
    const countedLate = held.some((event) => event.countedLate)
    for (const event of held) {
      event.countedLate = countedLate
      this.#forced.taken(event)
      countTaken(this.#counts, event)
    }
    return this.#call({ transaction: held.map(({ message }) => message) }, held)
  }

  stored(): Promise<void> {
    return Promise.reject(new TypeError('stored needs the option outbox, which a publisher with a worker can not have.'))
  }

  forceFlush(options: WaitOptions = {}): Promise<void> {
    return waitedFor(this.#flushed(), options, { clock: this.#clock, name: 'forceFlush' })
  }

  async #flushed(): Promise<void> {
    let isReached = false
    const reached = this.#forced.reached().then(() => {
      isReached = true
    })
    await Promise.resolve()
    while (!isReached && !this.#over) {
      try {
        // The worker flushes what it has by then: what waits for room here comes to it later.
        await Promise.race([reached, this.#call({ flush: true })])
      } catch (error) {
        // It died: what it had has been rejected, what waited for room has another.
        if (!(error instanceof PublishError)) throw error
      }
    }
  }

  getBatchStatus(): BatchStatus {
    const { config, policy } = this.#options
    return this.#report.statusWith({
      now: this.#clock.monotonic(),
      events: this.#sent.size + this.#held,
      bytes: this.#buffer.bytes,
      waitingForRoom: this.#buffer.waiting,
      outgoingSince: this.#outgoing.since,
      limits: { batchSize: Math.min(policy.size, config.maxSize), maxBatchSize: config.maxSize, batchTimeoutMs: config.timeoutMs },
    })
  }

  metrics(): PublisherMetrics {
    const status = this.getBatchStatus()
    const counts = withThoseOf(this.#report.metrics, this.#counts)
    return metricsOf(status, counts, { bufferedBytes: this.#buffer.bytes, scheduled: status.pendingEvents > 0 })
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
    await Promise.resolve()
    await settledWithin(this.forceFlush(), timeoutMs, this.#clock)
    this.#over = true
    this.#expiry.end()
    this.#rejectWaiters(Infinity, 'the publisher was closed before there was room for it')
    const reason = `the publisher was closed, and ${timeoutMs} ms did not suffice for it`
    this.#rejectOutgoing(
      this.#outgoing.take(() => true),
      (of) => (of === undefined ? alreadyClosed('') : notSent(of, reason)),
    )
    const report = this.#link.open ? await this.#closeWorker(Math.max(0, until - this.#clock.monotonic())) : { unsent: [] }
    // What the worker has not told by now it never will.
    const ended = this.#link.end()
    this.#rejectHandedOver(unanswered)
    await ended
    // The worker knows better what became of what it had.
    const told = new Map(report.unsent.map((event) => [event.id, event]))
    return { unsent: this.#unsent.all.map((event) => told.get(event.id) ?? event) }
  }

  async #closeWorker(timeoutMs: number): Promise<CloseReport> {
    let report: CloseReport = { unsent: [] }
    const closed = this.#call<CloseReport>({ close: { timeoutMs } }).then((answer) => {
      report = answer
    })
    await settledWithin(closed, timeoutMs + ENDING_MS, this.#clock)
    return report
  }
}
