import { setTimeout as sleep } from 'node:timers/promises'
import { silentLogger, type Transport, viewColumn } from '@millrace/core'
import { createPublisher, event, type Publisher } from '@millrace/publisher'
import { threadMs } from '../harness/thread-time.ts'

interface Order {
  readonly id: string
  readonly total: number
  readonly note: string
}

const NOTE = 'a hundred bytes or so, as events are: '.repeat(2)
const orderOf = (n: number): Order => ({ id: `order-${n % 1_000}`, total: n, note: NOTE })
const eventsFor = (topic: string) => ({ order: event<Order>({ topic, key: ({ id }) => id }) })
const TICK_MS = 5
const BATCHES_AHEAD = 3

/** Events a second, and what each took of the thread of JavaScript. */
export interface Throughput {
  readonly perSecond: number
  readonly threadMicros: number
}

/** What a service does without a publisher: one send, awaited, after the other, acknowledged by all replicas. */
export async function awaitedSends(transport: Transport, topic: string, count: number): Promise<Throughput> {
  const writer = await transport.openWriter({ clientId: 'awaited', deliveryReports: true }, { logger: silentLogger })
  const send = async (n: number) => {
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
  await send(0)
  const stop = watch(count)
  for (let n = 0; n < count; n++) await send(n)
  const throughput = stop()
  await writer.close()
  return throughput
}

/** The same by a publisher whose promises are not awaited one by one: whoever publishes is a few batches ahead of what is written. */
export async function publishedEvents(transport: Transport, topic: string, { count, batchSize }: PublishedOptions): Promise<Throughput> {
  const batch = { size: batchSize, maxSize: batchSize, timeoutMs: 20 }
  const buffer = { maxEvents: 2 * BATCHES_AHEAD * batchSize }
  const publisher = createPublisher({ transport, events: eventsFor(topic), environment: {}, batch, buffer })
  await warm(publisher)
  const ahead: Promise<unknown>[] = []
  const stop = watch(count)
  for (let n = 0; n < count; n++) {
    const published = publisher.publish('order', orderOf(n))
    if (n % batchSize > 0) continue
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
  readonly batchSize: number
}

/** From now on, until it is called. */
function watch(count: number): () => Throughput {
  const [began, threadBegan] = [performance.now(), threadMs()]
  return () => ({
    perSecond: (count / (performance.now() - began)) * 1_000,
    threadMicros: ((threadMs() - threadBegan) / count) * 1_000,
  })
}

/** The time from `publish` to its answer that 99 of 100 events keep within, in milliseconds, at a steady rate. */
export async function latencies(
  transport: Transport,
  topic: string,
  { timeoutMs, perSecond, forMs }: { readonly timeoutMs: number; readonly perSecond: number; readonly forMs: number },
): Promise<number> {
  const batch = { size: 1_000, maxSize: 1_000, timeoutMs }
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
  took.sort((a, b) => a - b)
  return took[Math.floor(took.length * 0.99)] ?? Infinity
}

/** Connected, with its topic known. */
async function warm(publisher: Publisher<ReturnType<typeof eventsFor>>): Promise<void> {
  const published = publisher.publish('order', orderOf(0))
  await publisher.forceFlush()
  await published
}
