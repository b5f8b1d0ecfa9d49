import { setTimeout as sleep } from 'node:timers/promises'
import { type RecordWriter, silentLogger, type Transport, viewColumn } from '@millrace/core'
import { createPublisher, event, type Publisher } from '@millrace/publisher'
import { threadMs } from '../harness/thread-time.ts'

interface Order {
  readonly id: string
  readonly total: number
  readonly note: string
}

const NOTE = 'a hundred bytes or so, as events are: '.repeat(2)
export const orderOf = (n: number): Order => ({ id: `order-${n % 1_000}`, total: n, note: NOTE })
export const eventsFor = (topic: string) => ({ order: event<Order>({ topic, key: ({ id }) => id }) })
export const TICK_MS = 5
const BATCHES_AHEAD = 3

export type OrderPublisher = Publisher<ReturnType<typeof eventsFor>>

/** Events a second, and what each took of the thread of JavaScript. */
export interface Throughput {
  readonly perSecond: number
  readonly threadMicros: number
}

/** What a service does without a publisher: one send, awaited, after the other, acknowledged by all replicas. */
export async function awaitedSends(transport: Transport, topic: string, count: number): Promise<Throughput> {
  const writer = await transport.openWriter({ clientId: 'awaited', deliveryReports: true }, { logger: silentLogger })
  await sendOne(writer, topic, 0)
  const stop = watch(count)
  for (let n = 0; n < count; n++) await sendOne(writer, topic, n)
  const throughput = stop()
  await writer.close()
  return throughput
}

async function sendOne(writer: RecordWriter, topic: string, n: number): Promise<void> {
  const order = orderOf(n)
  const batch = {
    topic,
    length: 1,
    keys: viewColumn([Buffer.from(order.id)]),
    values: viewColumn([Buffer.from(JSON.stringify(order))]),
    timestamps: [Date.now()],
  }
  const [deliveries] = await Promise.all(writer.send?.([batch]) ?? [])
  const [delivery] = deliveries ?? []
  if (delivery?.outcome !== 'written') throw new Error('an event was not written', { cause: delivery?.error })
}

/** The same by a publisher whose promises are not awaited one by one: whoever publishes is a few batches ahead of what is written. */
export async function publishedEvents(transport: Transport, topic: string, { count, batchSize }: PublishedOptions): Promise<Throughput> {
  const own =
    batchSize === undefined
      ? {}
      : { batch: { size: batchSize, maxSize: batchSize, timeoutMs: 20 }, buffer: { maxEvents: 2 * BATCHES_AHEAD * batchSize } }
  const publisher = createPublisher({ transport, events: eventsFor(topic), environment: {}, ...own })
  const largest = publisher.getBatchStatus().maxBatchSize
  await warm(publisher)
  const ahead: Promise<unknown>[] = []
  const stop = watch(count)
  for (let n = 0; n < count; n++) {
    const published = publisher.publish('order', orderOf(n))
    if (n % largest > 0) continue
    ahead.push(published)
    if (ahead.length > BATCHES_AHEAD) await ahead.shift()
  }
  await publisher.forceFlush()
  const throughput = stop()
  const { delivered_total: delivered } = publisher.metrics().batch
  await publisher.close()
  if (delivered !== count + 1) throw new Error(`${delivered - 1} of ${count} events were written`)
  return throughput
}

export interface PublishedOptions {
  readonly count: number
  /** Undefined: size, time, and buffer as they are if nothing is said of them. */
  readonly batchSize: number | undefined
}

/** From now on, until it is called. */
function watch(count: number): () => Throughput {
  const [began, threadBegan] = [performance.now(), threadMs()]
  return () => ({
    perSecond: (count / (performance.now() - began)) * 1_000,
    threadMicros: ((threadMs() - threadBegan) / count) * 1_000,
  })
}

/** How long single events took at a steady rate, in milliseconds. */
export interface Latency {
  /** From `publish` to its answer: 99 of 100 keep within. */
  readonly p99Ms: number
  /**
   * The same of events that come every millisecond to a timer of the batch's time with one send behind it, meanwhile: what is beyond the time here is the
   * machine's and the client's doing, not the publisher's.
   */
  readonly aloneMs: number
}

export interface Steadily {
  /** Of batches of up to 1,000; `defaults`: those of a publisher that is told nothing. */
  readonly timeoutMs: number
  readonly defaults?: boolean
  readonly perSecond: number
  readonly forMs: number
}

export async function latencies(transport: Transport, topic: string, steadily: Steadily): Promise<Latency> {
  const alone = timersAndSends(transport, topic, steadily)
  const { timeoutMs, perSecond, forMs, defaults = false } = steadily
  const batch = defaults ? undefined : { size: 1_000, maxSize: 1_000, timeoutMs }
  const publisher = createPublisher({ transport, events: eventsFor(topic), environment: {}, batch })
  await warm(publisher)
  const took: number[] = []
  const began = performance.now()
  for (let n = 0; performance.now() - began < forMs;) {
    for (const due = ((performance.now() - began) * perSecond) / 1_000; n < due; n++) {
      const from = performance.now()
      void publisher.publish('order', orderOf(n)).then(() => took.push(performance.now() - from))
    }
    await sleep(TICK_MS)
  }
  await publisher.forceFlush()
  await publisher.close()
  return { p99Ms: within(took, 0.99), aloneMs: within(await alone, 0.99) }
}

async function timersAndSends(transport: Transport, topic: string, { timeoutMs, forMs }: Steadily): Promise<number[]> {
  const writer = await transport.openWriter({ clientId: 'alone', deliveryReports: true }, { logger: silentLogger })
  await sendOne(writer, topic, 0)
  const took: number[] = []
  const began = performance.now()
  while (performance.now() - began < forMs) {
    const from = performance.now()
    await sleep(timeoutMs)
    const rang = performance.now()
    await sendOne(writer, topic, took.length)
    const answered = performance.now()
    for (let came = from; came < rang; came++) took.push(answered - came)
  }
  await writer.close()
  return took
}

/** What this share of them keeps within. */
function within(times: readonly number[], share: number): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * share)] ?? Infinity
}

/** Connected, with its topic known. */
export async function warm(publisher: OrderPublisher): Promise<void> {
  const published = publisher.publish('order', orderOf(0))
  await publisher.forceFlush()
  await published
}
