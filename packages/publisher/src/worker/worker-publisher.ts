import { type Clock, deferred, settledWithin } from '@millrace/core'
import type { EventDefinitions, PayloadOf, PublishedEvent, PublishOptions, PublishOutcome, PublishReceipt } from '../events.ts'
import { ExpiryTimer } from '../expiry-timer.ts'
import { outcomesOf } from '../outcomes-of.ts'
import { batchTimeoutOf } from '../batch-timeout.ts'
import { alreadyClosed, needsTransactionalId, notSent, rejectQuietly } from '../publish-failures.ts'
import { PublishError } from '../publish-error.ts'
import type { BatchStatus, CloseReport, Publisher } from '../publisher.ts'
import { metricsOf, type PublisherMetrics } from '../publisher-metrics.ts'
import type { PublisherOptions } from '../publisher-options.ts'
import { Refusals } from '../refusals.ts'
import { waitedFor, type WaitOptions } from '../wait-options.ts'
import type { ResolvedPublisher } from '../resolve-options.ts'
import type { CallMessage, FromWorker } from './messages.ts'
import { isCall, OutgoingQueue } from './outgoing.ts'
import type { Call, SentEvent } from './sent-event.ts'
import { SentEventMaker } from './sent-event-maker.ts'
import { type ErrorFor, SentEvents } from './sent-events.ts'
import { startMessageOf } from './start-message.ts'
import { withThoseOf } from './worker-counts.ts'
import { unanswered } from './worker-failures.ts'
import { ENDING_MS, WorkerLink } from './worker-link.ts'
import { resolveWorker } from './worker-options.ts'
import { WorkerReport } from './worker-report.ts'

type CallOf<Message> = Message extends CallMessage ? Omit<Message, 'call'> : never

/** Publishes through a process of its own. One that dies rejects what it had; the next event starts another. */
export class WorkerPublisher<Events extends EventDefinitions> implements Publisher<Events> {
  readonly #options: ResolvedPublisher
  readonly #clock: Clock
  readonly #events: SentEvents
  readonly #refusals: Refusals
  readonly #outgoing: OutgoingQueue
  readonly #link: WorkerLink
  readonly #expiry: ExpiryTimer
  readonly #maker: SentEventMaker
  readonly #report = new WorkerReport()
  #closing: Promise<CloseReport> | undefined
  /** It sends nothing more. */
  #over = false

  constructor(options: ResolvedPublisher, given: PublisherOptions<Events>) {
    this.#options = options
    this.#clock = options.clock
    this.#maker = new SentEventMaker(options)
    this.#events = new SentEvents({
      ...options,
      isClosing: () => this.#closing !== undefined,
      onAdmitted: (event) => this.#outgoing.push(event, event.critical),
    })
    this.#refusals = new Refusals(options)
    const { clock, logger, clientId } = options
    this.#link = new WorkerLink({
      clock,
      logger,
      clientId,
      start: startMessageOf(options, given),
      worker: resolveWorker(given.worker),
      isAwaited: () => this.#events.areAwaited,
      onReady: () => this.#outgoing.send(),
      onMessage: (message) => this.#onMessage(message),
      onGone: (errorFor, hadBegun) => this.#onGone(errorFor, hadBegun),
    })
    this.#outgoing = new OutgoingQueue({
      clock,
      policies: [options.policy, ...options.policies.values(), ...options.topicPolicies.values()],
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
      next: () => Math.min(this.#events.buffer.waitingSince, this.#link.open ? Infinity : this.#outgoing.since) + options.deliveryTimeoutMs,
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
      if (this.#events.enter(event)) this.#outgoing.push(event, event.critical)
      this.#expiry.set()
    } catch (error) {
      this.#refuse([type], error as PublishError)
      rejectQuietly(answer, error as PublishError)
    }
    return answer.promise
  }

  /** They were not taken. */
  #refuse(types: readonly string[], error: Error): void {
    this.#events.counts.rejected += types.length
    this.#refusals.add(types[0] ?? '', error)
  }

  #onMessage(message: FromWorker): void {
    const { settled = [], written, log } = message
    this.#report.told(message, this.#clock.monotonic())
    if (log !== undefined) this.#options.logger[log.level](log.about, log.message)
    if (written !== undefined) this.#events.written(written)
    for (const one of settled) this.#events.settled(one)
  }

  /** What has waited since before `time`, for room or for a worker, is rejected. What the worker has is, by that. */
  #expire(time: number, limitMs: number): void {
    this.#events.rejectWaiters(time, `there was no room for it for ${limitMs} ms (deliveryTimeoutMs)`)
    const expired = this.#outgoing.take((one) => ((isCall(one) ? one.events[0] : one)?.arrivedAt ?? Infinity) <= time)
    const reason = `no worker could be started for it for ${limitMs} ms (deliveryTimeoutMs)`
    this.#events.rejectAll(expired, (of) => notSent(of as SentEvent, reason))
  }

  #onGone(errorFor: ErrorFor, hadBegun: boolean): void {
    // The next one counts from nothing.
    Object.assign(this.#events.counts, withThoseOf(this.#report.metrics, this.#events.counts))
    this.#report.clear()
    this.#events.rejectHandedOver(errorFor)
    // What was not handed to one that had begun has another.
    if (!hadBegun)
      this.#events.rejectAll(
        this.#outgoing.take(() => true),
        errorFor,
      )
    this.#outgoing.send()
    this.#expiry.set()
  }

  #call<Value>(what: CallOf<CallMessage>, events: readonly SentEvent[] = []): Promise<Value> {
    const { promise, resolve, reject } = deferred<Value>()
    const call: Call = { message: { call: this.#maker.number(), ...what }, events, resolve, reject, handedOver: false }
    this.#events.called(call)
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
      if (held.length === 0) return []
      this.#events.enterAll(held)
    } catch (error) {
      const types = events.map(({ type }) => type)
      this.#refuse(types, error as Error)
      throw error
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
    const reached = this.#events.forced.reached().then(() => {
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
      events: this.#events.count,
      bytes: this.#events.buffer.bytes,
      waitingForRoom: this.#events.buffer.waiting,
      outgoingSince: this.#outgoing.since,
      limits: { batchSize: Math.min(policy.size, config.maxSize), maxBatchSize: config.maxSize, batchTimeoutMs: batchTimeoutOf(policy) },
    })
  }

  metrics(): PublisherMetrics {
    const status = this.getBatchStatus()
    const counts = withThoseOf(this.#report.metrics, this.#events.counts)
    return metricsOf(status, counts, { bufferedBytes: this.#events.buffer.bytes, scheduled: status.pendingEvents > 0 })
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
    this.#events.rejectWaiters(Infinity, 'the publisher was closed before there was room for it')
    const reason = `the publisher was closed, and ${timeoutMs} ms did not suffice for it`
    this.#events.rejectAll(
      this.#outgoing.take(() => true),
      (of) => (of === undefined ? alreadyClosed('') : notSent(of, reason)),
    )
    const report = this.#link.open ? await this.#closeWorker(Math.max(0, until - this.#clock.monotonic())) : { unsent: [] }
    // What the worker has not told by now it never will.
    const ended = this.#link.end()
    this.#events.rejectHandedOver(unanswered)
    await ended
    // The worker knows better what became of what it had.
    const told = new Map(report.unsent.map((event) => [event.id, event]))
    return { unsent: this.#events.unsent.all.map((event) => told.get(event.id) ?? event) }
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
