import type { Logger, Transport } from '@millrace/core'
import { BatchingPublisher } from '../batching-publisher.ts'
import { EventEncoder } from '../event-encoder.ts'
import type { EventDefinition, EventDefinitions } from '../events.ts'
import { PublishError } from '../publish-error.ts'
import type { Publisher } from '../publisher.ts'
import { resolvePublisher } from '../resolve-options.ts'
import {
  aboutOf,
  dataOf,
  type CallMessage,
  type EventMessage,
  type FromWorker,
  isBatch,
  isEvent,
  type Settled,
  type StartMessage,
  type ToWorker,
  type Written,
} from './messages.ts'

/** How long what is pending may take when the process that started this one is gone, or as long as it may take at `close`, if that is less. */
const MAX_ORPHAN_MS = 10_000
/** What letting go may take beyond that. */
const ENDING_MS = 2_000
const SIGNALS = [
  ['SIGINT', 2],
  ['SIGTERM', 15],
] as const
/** Between two tellings of how the publisher is. */
const STATUS_MS = 50

/** The worker: a publisher whose events come from the process that started it. */
class Worker {
  readonly #publisher: Publisher<EventDefinitions>
  #settled: Settled[] = []
  readonly #written: { readonly n: number; readonly partition: number; readonly offset: number }[] = []
  #isWatching = false

  constructor(publisher: Publisher<EventDefinitions>) {
    this.#publisher = publisher
  }

  take(message: Exclude<ToWorker, StartMessage>): void {
    if (isBatch(message)) for (const one of message.events) this.#publish(one)
    else if (isEvent(message)) this.#publish(message)
    else this.#answer(message.call, this.#call(message))
    this.#watch()
  }

  /** Tells how it is, now and then, for as long as there is something to tell. */
  #watch(): void {
    if (this.#isWatching) return
    this.#isWatching = true
    setTimeout(() => {
      this.#isWatching = false
      const status = this.#publisher.getBatchStatus()
      tell({ status, metrics: this.#publisher.metrics() })
      const { pendingEvents, inFlight, waitingForRoom, degraded, circuits } = status
      if (pendingEvents + inFlight + waitingForRoom > 0 || degraded || Object.keys(circuits).length > 0) this.#watch()
    }, STATUS_MS).unref()
  }

  #publish(message: EventMessage): void {
    const { n, type, options } = message
    this.#publisher.publish(type, message as never, options).then(
      ({ partition, offset }) => {
        this.#tellSoon()
        this.#written.push({ n, partition, offset })
      },
      (error: unknown) => this.#settle({ n, error: dataOf(error) }),
    )
  }

  #call(message: CallMessage): Promise<Settled extends { readonly value: infer Value } ? Value : never> {
    if ('flush' in message) return this.#publisher.forceFlush() as never
    if ('close' in message) return this.#publisher.close(message.close) as never
    const events = message.transaction.map((one) => ({ type: one.type, payload: one as never, options: one.options }))
    return this.#publisher.publishTransaction(events) as never
  }

  #answer(n: number, work: Promise<unknown>): void {
    work.then(
      (value) => this.#settle({ n, value: value as never }),
      (error: unknown) => this.#settle({ n, error: dataOf(error) }),
    )
  }

  #settle(settled: Settled): void {
    this.#tellSoon()
    this.#settled.push(settled)
  }

  /** What is settled in one turn is told at once. */
  #tellSoon(): void {
    if (this.#settled.length + this.#written.length > 0) return
    setImmediate(() => {
      const about = { status: this.#publisher.getBatchStatus(), metrics: this.#publisher.metrics() }
      tell({ written: columnsOf(this.#written.splice(0)), settled: this.#settled.splice(0), ...about })
    })
  }

  async orphaned(timeoutMs: number): Promise<void> {
    await this.#publisher.close({ timeoutMs })
  }
}

function columnsOf(written: readonly { readonly n: number; readonly partition: number; readonly offset: number }[]): Written {
  return {
    ns: Float64Array.from(written, ({ n }) => n),
    partitions: Float64Array.from(written, ({ partition }) => partition),
    offsets: Float64Array.from(written, ({ offset }) => offset),
  }
}

function tell(message: FromWorker): void {
  // That the other process is gone is told by its channel's end: this one then sends what it has.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined)
}

function loggerTo(send: (message: FromWorker) => void): Logger {
  const at = (level: 'debug' | 'info' | 'warn' | 'error') => (about: object, message?: string) =>
    send({ log: { level, about: aboutOf(about), message: message ?? '' } })
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

async function start({ start: { transport: recipe, events, own, options } }: StartMessage): Promise<Worker> {
  const module = (await import(recipe.module)) as Readonly<Record<string, (options: unknown) => Transport>>
  const make = module[recipe.name]
  if (make === undefined) throw new TypeError(`${recipe.module} has no ${recipe.name}`)
  const definitions = { ...events, ...(await withSerializers(events, own)) }
  const resolved = resolvePublisher({ ...options, transport: make(recipe.options), events: definitions, logger: loggerTo(tell) })
  // What is published are messages: payloads come as JSON, of an age.
  const textOf = (message: unknown) => (message as EventMessage).json
  const encoder = new EventEncoder(resolved.events, resolved.clock, { textOf, ageMsOf: (message) => (message as EventMessage).ageMs })
  return new Worker(new BatchingPublisher(resolved, encoder))
}

/** The types that make their bytes by themselves, of payloads that come as JSON. */
async function withSerializers(events: EventDefinitions, { types, module }: StartMessage['start']['own']): Promise<EventDefinitions> {
  if (types.length === 0) return {}
  const { events: found } = (await import(module)) as { readonly events?: EventDefinitions }
  const own = types.map((type) => {
    const serialize = found?.[type]?.serialize as ((payload: unknown) => Uint8Array) | undefined
    if (typeof serialize !== 'function') throw new TypeError(`${module} exports no events['${type}'] with serialize`)
    return [
      type,
      { ...(events[type] as EventDefinition<never>), serialize: ({ json }: EventMessage) => serialize(JSON.parse(json)) },
    ] as const
  })
  return Object.fromEntries(own)
}

let worker: Promise<Worker> | undefined
let orphanMs = MAX_ORPHAN_MS
process.on('message', (message: ToWorker) => {
  if ('start' in message) {
    orphanMs = Math.min(MAX_ORPHAN_MS, message.start.options.closeTimeoutMs ?? Infinity)
    worker = start(message)
    worker.then(
      () => tell({ ready: true }),
      (error: unknown) =>
        tell({
          failed: dataOf(
            new PublishError('WORKER_FAILED', `The worker can't start: ${String(error)}`, { outcome: 'not-sent', cause: error }),
          ),
        }),
    )
    return
  }
  worker?.then(
    (started) => started.take(message),
    () => undefined,
  )
})
process.on('disconnect', () => {
  // Nobody is left to end this process.
  setTimeout(() => process.exit(1), orphanMs + ENDING_MS)
  for (const [signal, number] of SIGNALS) process.on(signal, () => process.exit(128 + number))
  Promise.resolve(worker)
    .then((started) => started?.orphaned(orphanMs))
    .then(
      () => process.exit(0),
      () => process.exit(1),
    )
})
// Signals of a terminal are for the process that started this one: it closes it.
for (const [signal] of SIGNALS) process.on(signal, () => undefined)
