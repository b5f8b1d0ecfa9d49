import type { Transport } from 'millrace'
import { createPublisher, event } from 'millrace/publisher'
import type { ShopEvent } from './event.ts'
import { EVENTS_TOPIC } from './topology.ts'

const AT_ONCE = 1_000
const events = { shop: event<ShopEvent>({ topic: EVENTS_TOPIC, key: ({ who }) => who }) }

/** Puts events into the topic, as the services do that they come from. */
export async function writeEvents(transport: Transport, all: readonly ShopEvent[]): Promise<void> {
  const publisher = createPublisher({ transport, events, batch: { size: AT_ONCE, maxSize: AT_ONCE, timeoutMs: 20 } })
  try {
    for (let from = 0; from < all.length; from += AT_ONCE) {
      const some = all.slice(from, from + AT_ONCE)
      for (const outcome of await publisher.publishBatch(some.map((payload) => ({ type: 'shop', payload }))))
        if (!outcome.ok) throw outcome.error
    }
  } finally {
    await publisher.close()
  }
}
