import { setTimeout as sleep } from 'node:timers/promises'
import { silentLogger, type Transport, viewColumn } from '@millrace/core'
import { createPublisher, event, type Publisher } from '@millrace/publisher'

interface Order {
  readonly id: string
  readonly total: number
  readonly note: string
}

const NOTE = 'a hundred bytes or so, as events are: '.repeat(2)
const orderOf = (n: number): Order => ({ id: `order-${n % 1_000}`, total: n, note: NOTE })
const eventsFor = (topic: string) => ({ order: event<Order>({ topic, key: ({ id }) => id }) })
const TICK_MS = 5

/** What a service does without a publisher: one send, awaited, after the other, acknowledged by all replicas. Resolves to events a second. */
export async function awaitedSends(transport: Transport, topic: string, count: number): Promise<number> {
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
    if (deliveries?.[0]?.outcome !== 'written') throw new Error('an event was not written')
  }
  await send(0)
  const began = performance.now()
  for (let n = 0; n < count; n++) await send(n)
  const elapsedMs = performance.now() - began
  await writer.close()
  return (count / elapsedMs) * 1_000
}

/** The same by a publisher whose promises are not awaited one by one. */
export async function publishedEvents(transport: Transport, topic: string, count: number): Promise<number> {
  const batch = { size: 1_000, maxSize: 1_000, timeoutMs: 20 }
  const publisher = createPublisher({ transport, events: eventsFor(topic), environment: {}, batch, buffer: { maxEvents: 5_000 } })
  await warm(publisher)
  const began = performance.now()
  for (let n = 0; n < count; n++) {
    const published = publisher.publish('order', orderOf(n))
    if (publisher.getBatchStatus().waitingForRoom > 0) await published
  }
  await publisher.forceFlush()
  const elapsedMs = performance.now() - began
  const { delivered_total: delivered } = publisher.metrics().batch
  await publisher.close()
  if (delivered !== count + 1) throw new Error(`${delivered - 1} of ${count} events were written`)
  return (count / elapsedMs) * 1_000
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
