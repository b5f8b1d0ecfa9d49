import { randomUUID } from 'node:crypto'
import { serialize } from 'node:v8'
import { asError, type Clock, deferred, settledWithin, type TransportRecipe } from '@millrace/core'
import { bufferFull, EventBuffer } from '../event-buffer.ts'
import type {
  EventDefinition,
  EventDefinitions,
  PayloadOf,
  PublishedEvent,
  PublishOptions,
  PublishOutcome,
  PublishReceipt,
} from '../events.ts'
import { bytesOfKey, laneOf } from '../event-key.ts'
import { alreadyClosed, notSent } from '../publish-failures.ts'
import { PublishError } from '../publish-error.ts'
import type { BatchStatus, CloseReport, Publisher } from '../publisher.ts'
import { metricsOf, PublisherCounts, type PublisherMetrics } from '../publisher-metrics.ts'
import type { PublisherOptions } from '../publisher-options.ts'
import type { ResolvedPublisher } from '../resolve-options.ts'
import { type CallMessage, errorOf, type EventMessage, type FromWorker, type Settled, type StartMessage } from './messages.ts'
import { WorkerProcess } from './worker-process.ts'

/** Past the time that the worker itself has for closing. */
const MARGIN_MS = 2_000

/** An event that is with the worker, or waits for room. */
interface SentEvent {
  readonly id: string
  readonly type: string
  readonly topic: string
  readonly lane: string | undefined
  readonly bytes: number
  readonly arrivedAt: number
  readonly message: EventMessage
  readonly resolve: (receipt: PublishReceipt) => void
  readonly reject: (error: PublishError) => void
}

interface Call {
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
  readonly #rejected = new PublisherCounts()
  #unsent: EventMessage[] = []
  #next = 0
  #worker: WorkerProcess | undefined
  #ready = false
  #status: BatchStatus | undefined
  #metrics: PublisherMetrics | undefined
  #closing: Promise<CloseReport> | undefined

  constructor(options: ResolvedPublisher, given: PublisherOptions<Events>) {
    this.#options = options
    this.#clock = options.clock
    this.#execArgv = typeof given.worker === 'object' ? given.worker.execArgv : undefined
    this.#buffer = new EventBuffer(options.buffer, options.topics)
    this.#start = startOf(options, given)
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
      const message = this.#messageOf(type, payload, options)
      const { topic } = this.#options.events[type] as EventDefinition<never>
      const id = message.options.id as string
      const bytes = message.body.byteLength
      const lane = laneOf(bytesOfKey(message.options.key))
      const event: SentEvent = { id, type, topic, lane, bytes, arrivedAt: this.#clock.monotonic(), message, resolve, reject }
      if (this.#buffer.enter(event)) this.#send(event)
    } catch (error) {
      this.#rejected.rejected++
      reject(error)
      return promise
    }
    promise.catch(() => undefined)
    return promise
  }

  #messageOf(type: string, payload: unknown, options: PublishOptions = {}): EventMessage {
    const definition = Object.hasOwn(this.#options.events, type) ? this.#options.events[type] : undefined
    const id = options.id ?? randomUUID()
    const about = { outcome: 'not-sent', eventId: id, eventType: type, topic: definition?.topic } as const
    if (definition === undefined) throw new PublishError('UNKNOWN_EVENT_TYPE', `There are no events of type '${type}'.`, about)
    try {
      const key = options.key === undefined ? (definition.key?.(payload as never) ?? null) : options.key
      return { n: ++this.#next, type, body: serialize(payload), options: { ...options, id, key } }
    } catch (cause) {
      throw new PublishError('NOT_SERIALIZABLE', `An event of type '${type}' can't be sent to the worker: ${asError(cause).message}`, {
        ...about,
        cause,
      })
    }
  }

  /** What is published in one turn goes to the worker at once. */
  #send(event: SentEvent): void {
    this.#sent.set(event.message.n, event)
    this.#unsent.push(event.message)
    if (this.#unsent.length === 1) queueMicrotask(() => this.#sendOut())
  }

  #sendOut(): void {
    const events = this.#unsent.splice(0)
    const [first] = events
    if (first === undefined) return
    this.#running().send(events.length === 1 ? first : { events })
  }

  #running(): WorkerProcess {
    if (this.#worker !== undefined) return this.#worker
    const worker = new WorkerProcess(this.#start, this.#execArgv, {
      onMessage: (message) => this.#onMessage(message),
      onGone: (why) => this.#onGone(worker, why),
    })
    this.#worker = worker
    this.#ready = false
    this.#options.logger.info({ pid: worker.pid, publisher: this.#options.clientId }, 'a worker of the publisher was started')
    return worker
  }

  #onMessage({ settled = [], status, metrics, ready, failed, log }: FromWorker): void {
    if (ready === true) this.#ready = true
    if (status !== undefined) this.#status = status
    if (metrics !== undefined) this.#metrics = metrics
    if (log !== undefined) this.#options.logger[log.level](log.about, log.message)
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
      if ('error' in settled) call.reject(errorOf(settled.error))
      else call.resolve(settled.value as never)
      return
    }
    const event = this.#sent.get(settled.n)
    if (event === undefined) return
    if ('error' in settled) event.reject(errorOf(settled.error))
    else event.resolve(settled.value as PublishReceipt)
    this.#leave(event)
  }

  #leave(event: SentEvent): void {
    this.#sent.delete(event.message.n)
    for (const admitted of this.#buffer.leave(event)) this.#send(admitted)
  }

  #onGone(worker: WorkerProcess, why: string): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    this.#status = undefined
    const outcome = this.#ready ? 'unknown' : 'not-sent'
    const maybe = this.#ready ? 'what it had may have been sent or not' : 'nothing of what it had was sent'
    this.#options.logger.error({ publisher: this.#options.clientId, why }, 'a worker of the publisher died')
    this.#rejectAll(
      (event) =>
        new PublishError('WORKER_DIED', `The worker of the publisher died, ${why}: ${maybe}. The next event starts another.`, {
          outcome,
          retryable: !this.#ready,
          eventId: event?.id,
          eventType: event?.type,
          topic: event?.topic,
        }),
    )
  }

  #rejectAll(errorFor: (event: SentEvent | undefined) => PublishError): void {
    const handedOver = [...this.#sent.values()]
    for (const { reject } of [...this.#calls.values()]) reject(errorFor(undefined))
    this.#calls.clear()
    for (const event of handedOver) {
      event.reject(errorFor(event))
      this.#leave(event)
    }
  }

  #call<Value>(what: CallOf<CallMessage>): Promise<Value> {
    // Behind what was published before.
    this.#sendOut()
    const call = ++this.#next
    const { promise, resolve, reject } = deferred<Value>()
    this.#calls.set(call, { resolve, reject })
    this.#running().send({ call, ...what })
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
    if (this.#options.transactionalId === undefined)
      throw new TypeError('publishTransaction needs the option transactionalId: a name that no other process has.')
    const [first] = events
    if (this.#closing !== undefined) throw alreadyClosed(first?.type ?? '')
    if (first === undefined) return []
    const [{ topic }] = [this.#options.events[first.type] as EventDefinition<never>]
    const messages = events.map(({ type, payload, options }) => this.#messageOf(type, payload, options))
    if (this.#buffer.waiting > 0) throw bufferFull({ id: '', type: first.type, topic }, this.#options.buffer)
    return this.#call({ transaction: messages })
  }

  stored(): Promise<void> {
    return Promise.reject(new TypeError('stored needs the option outbox, which a publisher with a worker can not have.'))
  }

  async forceFlush(): Promise<void> {
    while (this.#sent.size > 0 || this.#buffer.waiting > 0) {
      try {
        await this.#call({ flush: true })
      } catch (error) {
        // It died: what it had has been rejected, what waited for room has another.
        if (!(error instanceof PublishError)) throw error
      }
    }
  }

  getBatchStatus(): BatchStatus {
    const { config } = this.#options
    const inFlight = Math.min(this.#status?.inFlight ?? 0, this.#sent.size)
    const [oldest] = this.#sent.values()
    const pendingEvents = this.#sent.size - inFlight
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
    const own = metricsOf(status, this.#rejected, { bufferedBytes: this.#buffer.bytes, scheduled: status.pendingEvents > 0 }).batch
    const { pending_batch_messages, in_flight_messages, buffered_bytes, has_scheduled_flush } = own
    const theirs = this.#metrics?.batch ?? own
    const current = { pending_batch_messages, in_flight_messages, buffered_bytes, has_scheduled_flush }
    return { batch: { ...theirs, ...current, rejected_total: own.rejected_total + (this.#metrics?.batch.rejected_total ?? 0) } }
  }

  close({ timeoutMs = this.#options.closeTimeoutMs }: { readonly timeoutMs?: number | undefined } = {}): Promise<CloseReport> {
    this.#closing ??= this.#close(timeoutMs)
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(timeoutMs: number): Promise<CloseReport> {
    await Promise.resolve()
    for (const event of this.#buffer.expire(Infinity)) event.reject(notSent(event, 'the publisher was closed before there was room for it'))
    const pending = new Map([...this.#sent.values()].map((event) => [event.id, event]))
    if (this.#worker === undefined && this.#unsent.length === 0) return { unsent: [] }
    let report: CloseReport = { unsent: [] }
    const closed = this.#call<CloseReport>({ close: { timeoutMs } }).then((answer) => {
      report = answer
    })
    closed.catch(() => undefined)
    await settledWithin(closed, timeoutMs + MARGIN_MS, this.#clock)
    const worker = this.#worker
    this.#worker = undefined
    // What the worker has not told by now it never will.
    const lost = [...this.#sent.values()].filter(({ id }) => pending.has(id))
    for (const event of lost) {
      event.reject(
        new PublishError('DELIVERY_UNKNOWN', 'The worker of the publisher has not answered in time.', {
          outcome: 'unknown',
          eventId: event.id,
          eventType: event.type,
          topic: event.topic,
        }),
      )
      this.#leave(event)
    }
    await worker?.end(MARGIN_MS)
    const told = new Set(report.unsent.map(({ id }) => id))
    const untold = lost
      .filter(({ id }) => !told.has(id))
      .map(({ id, type, topic }) => ({ id, type, topic, outcome: 'unknown' as const, kept: false }))
    return { unsent: [...report.unsent, ...untold] }
  }
}

/** What a worker is told to begin with: nothing that is a function. */
function startOf<Events extends EventDefinitions>(resolved: ResolvedPublisher, given: PublisherOptions<Events>): StartMessage {
  const { transport: _t, events: _e, worker: _w, logger: _l, clock: _c, outbox: _o, environment = process.env, ...options } = given
  const relevant = Object.entries(environment).filter(([name]) => name.startsWith('KAFKA_') || name === 'NODE_ENV')
  const events = Object.entries(resolved.events).map(([type, { key: _k, serialize: _s, ...plain }]) => [type, plain] as const)
  return {
    start: {
      transport: resolved.transport.recipe as TransportRecipe,
      events: Object.fromEntries(events),
      options: { ...options, environment: Object.fromEntries(relevant) },
    },
  }
}
