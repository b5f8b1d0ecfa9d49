import { type Clock, deferred, settledWithin } from '@millrace/core'
import { bufferFull, EventBuffer } from '../event-buffer.ts'
import type { EventDefinitions, PayloadOf, PublishedEvent, PublishOptions, PublishOutcome, PublishReceipt } from '../events.ts'
import { EventEncoder } from '../event-encoder.ts'
import { ForcedFlushes } from '../forced-flushes.ts'
import { outcomesOf } from '../outcomes-of.ts'
import { alreadyClosed, needsTransactionalId, notSent, rejectQuietly } from '../publish-failures.ts'
import { PublishError } from '../publish-error.ts'
import type { BatchStatus, CloseReport, Publisher } from '../publisher.ts'
import { metricsOf, PublisherCounts, type PublisherMetrics } from '../publisher-metrics.ts'
import type { PublisherOptions } from '../publisher-options.ts'
import { Refusals } from '../refusals.ts'
import { UnsentEvents } from '../unsent-events.ts'
import type { ResolvedPublisher } from '../resolve-options.ts'
import { type CallMessage, errorOf, type FromWorker, type Settled, type StartMessage, type Written } from './messages.ts'
import { OutgoingEvents } from './outgoing-events.ts'
import type { SentEvent } from './sent-event.ts'
import { startMessageOf, withoutSerializers } from './start-message.ts'
import { withThoseOf } from './worker-counts.ts'
import { unanswered, workerDied } from './worker-failures.ts'
import { WorkerProcess } from './worker-process.ts'

/** Past the time that the worker itself has for closing. */
const MARGIN_MS = 2_000

interface Call {
  /** Those of a transaction. */
  readonly events: readonly SentEvent[]
  readonly resolve: (value: never) => void
  readonly reject: (error: unknown) => void
}

type CallOf<Message> = Message extends CallMessage ? Omit<Message, 'call'> : never

/** Publishes through a process of its own. One that dies rejects what it had; the next event starts another. */
export class WorkerPublisher<Events extends EventDefinitions> implements Publisher<Events> {
  readonly #options: ResolvedPublisher
  readonly #execArgv: readonly string[] | undefined
  readonly #start: StartMessage
  readonly #clock: Clock
  readonly #buffer: EventBuffer<SentEvent>
  readonly #sent = new Map<number, SentEvent>()
  readonly #calls = new Map<number, Call>()
  readonly #forced = new ForcedFlushes()
  /** Of all workers: what those that are gone told last, and what the service knows by itself. */
  readonly #counts = new PublisherCounts()
  readonly #refusals: Refusals
  readonly #outgoing: OutgoingEvents
  /** Events of transactions that are under way. */
  #held = 0
  readonly #encoder: EventEncoder
  #next = 0
  #worker: WorkerProcess | undefined
  #ready = false
  #status: BatchStatus | undefined
  #metrics: PublisherMetrics | undefined
  #closing: Promise<CloseReport> | undefined
  /** It sends nothing more. */
  #over = false
  readonly #unsent = new UnsentEvents()
  #cancelExpiry: (() => void) | undefined

  constructor(options: ResolvedPublisher, given: PublisherOptions<Events>) {
    this.#options = options
    this.#clock = options.clock
    // What the worker makes of it is its business: it is sent as JSON.
    this.#encoder = new EventEncoder(withoutSerializers(options.events), options.clock)
    this.#execArgv = typeof given.worker === 'object' ? given.worker.execArgv : undefined
    this.#buffer = new EventBuffer(options.buffer, options.topics)
    this.#refusals = new Refusals(options)
    this.#start = startMessageOf(options, given)
    const policies = [options.policy, ...options.policies.values()]
    this.#outgoing = new OutgoingEvents({ clock: this.#clock, policies, send: (message) => this.#running().send(message) })
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
      const event = this.#eventOf(type, payload, { answer, options })
      const hasRoom = this.#buffer.enter(event)
      this.#forced.taken(event)
      this.#counts.published++
      if (hasRoom) this.#send(event)
      else this.#expireLater()
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

  #eventOf(
    type: string,
    payload: unknown,
    { answer, options }: Pick<SentEvent, 'answer'> & { readonly options: PublishOptions | undefined },
  ): SentEvent {
    const {
      id,
      topic,
      lane,
      key,
      value,
      bytes,
      timestamp,
      headers,
      critical: atOnce,
    } = this.#encoder.encode(type, payload, { answer, options })
    const { priority, critical } = options ?? {}
    // Copies, since it may wait here.
    const own = headers.length === 0 ? undefined : Object.fromEntries(headers.map((header) => [header.key, header.value as Uint8Array]))
    const message = { n: ++this.#next, type, json: value as string, options: { id, key, headers: own, timestamp, priority, critical } }
    return { id, type, topic, lane, bytes, critical: atOnce, arrivedAt: this.#clock.monotonic(), message, answer, epoch: 0 }
  }

  #send(event: SentEvent): void {
    this.#sent.set(event.message.n, event)
    this.#outgoing.push(event.message, event.critical)
  }

  #running(): WorkerProcess {
    if (this.#worker !== undefined) return this.#worker
    const worker = new WorkerProcess(this.#start, this.#execArgv, {
      // What comes after its end says nothing that counts.
      onMessage: (message) => {
        if (this.#worker === worker) this.#onMessage(message)
      },
      onGone: (why) => this.#onGone(worker, why),
    })
    this.#worker = worker
    this.#ready = false
    this.#options.logger.info({ pid: worker.pid, publisher: this.#options.clientId }, 'a worker of the publisher was started')
    return worker
  }

  #onMessage({ settled = [], written, status, metrics, ready, failed, log }: FromWorker): void {
    if (ready === true) this.#ready = true
    if (status !== undefined) this.#status = status
    if (metrics !== undefined) this.#metrics = metrics
    if (log !== undefined) this.#options.logger[log.level](log.about, log.message)
    if (written !== undefined) this.#onWritten(written)
    for (const one of settled) this.#onSettled(one)
    if (failed === undefined) return
    this.#rejectAll((event) => errorOf({ ...failed, eventId: event?.id, eventType: event?.type, topic: event?.topic }))
    // The next event tries another.
    const worker = this.#worker
    this.#worker = undefined
    void worker?.end(MARGIN_MS)
  }

  #onSettled(settled: Settled): void {
    const call = this.#calls.get(settled.n)
    if (call !== undefined) {
      this.#calls.delete(settled.n)
      this.#leaveHeld(call)
      this.#counts['error' in settled ? 'failed' : 'delivered'] += call.events.length
      if ('error' in settled) {
        const error = errorOf(settled.error)
        for (const event of call.events) this.#noteUnsent(event, error)
        call.reject(error)
      } else call.resolve(settled.value as never)
      return
    }
    const event = this.#sent.get(settled.n)
    if (event === undefined || !('error' in settled)) return
    const error = errorOf(settled.error)
    this.#counts.failed++
    this.#noteUnsent(event, error)
    if (event.answer !== undefined) rejectQuietly(event.answer, error)
    this.#leave(event)
  }

  #onWritten({ ns, partitions, offsets }: Written): void {
    for (const [i, n] of ns.entries()) {
      const event = this.#sent.get(n)
      if (event === undefined) continue
      const { id, topic, answer } = event
      this.#counts.delivered++
      answer?.resolve({ id, topic, partition: partitions[i] as number, offset: offsets[i] as number })
      this.#leave(event)
    }
  }

  /** What no worker tells of. */
  #reject(event: SentEvent, error: PublishError): void {
    const { id, type, topic, answer } = event
    this.#counts.failed++
    this.#noteUnsent(event, error)
    this.#options.logger.warn({ eventId: id, type, topic, outcome: error.outcome, err: error }, 'an event was not published')
    if (answer !== undefined) rejectQuietly(answer, error)
  }

  #noteUnsent(event: SentEvent, error: PublishError): void {
    if (this.#closing !== undefined) this.#unsent.add(event, error)
  }

  /** What waits for room is rejected when it has waited for too long; what the worker has, by that. */
  #expireLater(): void {
    if (this.#cancelExpiry !== undefined) return
    const waitMs = Math.max(0, this.#buffer.waitingSince + this.#options.deliveryTimeoutMs - this.#clock.monotonic())
    this.#cancelExpiry = this.#clock.after(Math.ceil(waitMs), () => {
      this.#cancelExpiry = undefined
      this.#expire(
        this.#clock.monotonic() - this.#options.deliveryTimeoutMs,
        `there was no room for it for ${this.#options.deliveryTimeoutMs} ms (deliveryTimeoutMs)`,
      )
      if (this.#buffer.waiting > 0) this.#expireLater()
    })
  }

  #expire(before: number, reason: string): void {
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

  #onGone(worker: WorkerProcess, why: string): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    this.#status = undefined
    // The next one counts from nothing.
    Object.assign(this.#counts, withThoseOf(this.#metrics, this.#counts))
    this.#metrics = undefined
    this.#options.logger.error({ publisher: this.#options.clientId, why }, 'a worker of the publisher died')
    const wasReady = this.#ready
    this.#rejectAll((event) => workerDied(event, why, wasReady))
  }

  #rejectAll(errorFor: (event: SentEvent | undefined) => PublishError): void {
    // What was about to go has another worker.
    if (this.#over) this.#outgoing.clear()
    const handedOver = [...this.#sent.values()].filter(({ message }) => !this.#outgoing.has(message.n))
    const calls = [...this.#calls.values()]
    this.#calls.clear()
    for (const call of calls) {
      for (const event of call.events) this.#reject(event, errorFor(event))
      call.reject(errorFor(call.events[0]))
      this.#leaveHeld(call)
    }
    for (const event of handedOver) {
      this.#reject(event, errorFor(event))
      this.#leave(event)
    }
  }

  #call<Value>(what: CallOf<CallMessage>, events: readonly SentEvent[] = []): Promise<Value> {
    // Behind what was published before.
    this.#outgoing.send()
    const call = ++this.#next
    const { promise, resolve, reject } = deferred<Value>()
    this.#calls.set(call, { events, resolve, reject })
    this.#held += events.length
    this.#running().send({ call, ...what })
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
      for (const { type, payload, options } of events) held.push(this.#eventOf(type, payload, { answer: undefined, options }))
      const [first] = held
      if (first === undefined) return []
      if (!this.#buffer.enterAll(held)) throw bufferFull(first, this.#options.buffer)
    } catch (error) {
      const types = events.map(({ type }) => type)
      this.#refuse(types, error as Error)
      throw error
    }
    for (const event of held) this.#forced.taken(event)
    this.#counts.published += held.length
    return this.#call({ transaction: held.map(({ message }) => message) }, held)
  }

  stored(): Promise<void> {
    return Promise.reject(new TypeError('stored needs the option outbox, which a publisher with a worker can not have.'))
  }

  async forceFlush(): Promise<void> {
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
    const { config } = this.#options
    const sent = this.#sent.size + this.#held
    const inFlight = Math.min(this.#status?.inFlight ?? 0, sent)
    const [oldest] = this.#sent.values()
    const pendingEvents = sent - inFlight
    return {
      degraded: false,
      degradedTopics: [],
      circuits: {},
      batchSize: Math.min(this.#options.policy.size, config.maxSize),
      maxBatchSize: config.maxSize,
      batchTimeoutMs: config.timeoutMs,
      ...this.#status,
      pendingEvents,
      pendingBytes: this.#buffer.bytes,
      oldestAgeMs: oldest === undefined ? 0 : this.#clock.monotonic() - oldest.arrivedAt,
      inFlight,
      waitingForRoom: this.#buffer.waiting,
    }
  }

  metrics(): PublisherMetrics {
    const status = this.getBatchStatus()
    const counts = withThoseOf(this.#metrics, this.#counts)
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
    this.#cancelExpiry?.()
    this.#expire(Infinity, 'the publisher was closed before there was room for it')
    const worker = this.#worker
    if (worker === undefined && this.#sent.size === 0) return { unsent: this.#unsent.all }
    const leftMs = Math.max(0, until - this.#clock.monotonic())
    let report: CloseReport = { unsent: [] }
    const closed = this.#call<CloseReport>({ close: { timeoutMs: leftMs } }).then((answer) => {
      report = answer
    })
    await settledWithin(closed, leftMs + MARGIN_MS, this.#clock)
    // What the worker has not told by now it never will.
    this.#worker = undefined
    this.#rejectAll(unanswered)
    await worker?.end(MARGIN_MS)
    // The worker knows better what became of what it had.
    const told = new Map(report.unsent.map((event) => [event.id, event]))
    return { unsent: this.#unsent.all.map((event) => told.get(event.id) ?? event) }
  }
}
