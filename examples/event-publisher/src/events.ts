import { event } from 'millrace/publisher'

interface Order {
  readonly id: string
  readonly total: number
}

/** What the service publishes. */
export const events = {
  'order.created': event<Order>({ topic: 'orders', key: ({ id }) => id }),
  'order.paid': event<Order>({ topic: 'payments', key: ({ id }) => id, priority: 'high' }),
  'page.viewed': event<{ readonly path: string }>({ topic: 'views', compression: 'zstd' }),
}

export type EventType = keyof typeof events

export function isEventType(type: unknown): type is EventType {
  return typeof type === 'string' && Object.hasOwn(events, type)
}
