import { BatchingPublisher } from './batching-publisher.ts'
import type { EventDefinitions } from './events.ts'
import type { Publisher } from './publisher.ts'
import type { PublisherOptions } from './publisher-options.ts'
import { resolvePublisher } from './resolve-options.ts'
import { WorkerPublisher } from './worker/worker-publisher.ts'

/**
 * A publisher of events. It takes events from now on; the transport is opened with the first. Throws a `TypeError` that lists everything that is wrong with
 * the options and the environment.
 *
 * ```ts
 * import { createPublisher, event } from 'millrace/publisher'
 * import { kafka } from 'millrace/kafka'
 *
 * const publisher = createPublisher({
 *   transport: kafka({ brokers: 'localhost:9092' }),
 *   events: { 'order.created': event<{ id: string; total: number }>({ topic: 'orders', key: (order) => order.id }) },
 * })
 * await publisher.publish('order.created', { id: '17', total: 250 })
 * await publisher.close()
 * ```
 */
export function createPublisher<Events extends EventDefinitions>(options: PublisherOptions<Events>): Publisher<Events> {
  const resolved = resolvePublisher(options)
  return options.worker === undefined || options.worker === false
    ? new BatchingPublisher<Events>(resolved)
    : new WorkerPublisher<Events>(resolved, options)
}
