import { serdes } from 'millrace'
import { event } from 'millrace/publisher'

/** What the topic holds: a page that was seen, a payment, or a reading of a device. */
export interface ShopEvent {
  readonly id: string
  readonly kind: 'page' | 'payment' | 'reading'
  /** Milliseconds since 1970. */
  readonly at: number
  readonly who: string
  readonly amount: number
}

export const TOPIC = 'shop-events'
/** Where records go whose rows no table takes. */
export const DEAD_LETTERS = 'shop-dead-letters'

/** As they are read. */
export const events = { key: serdes.string, value: serdes.json<ShopEvent>() }

/** As they are published. */
export const published = { happened: event<ShopEvent>({ topic: TOPIC, key: ({ who }) => who }) }

/** Of a device whose clock tells nanoseconds: no table has such a time. */
export const brokenEvent: ShopEvent = { id: 'broken', kind: 'reading', at: 1.7e18, who: 'customer-1', amount: 1 }

/** So many events, the first of which has this number: eight pages, a payment and a reading of ten. */
export function someEvents(count: number, from = 0): ShopEvent[] {
  return Array.from({ length: count }, (_, i) => {
    const n = from + i
    const kind = n % 10 === 8 ? 'payment' : n % 10 === 9 ? 'reading' : 'page'
    return { id: `e-${n}`, kind, at: 1_700_000_000_000 + n, who: `customer-${n % 100}`, amount: (n % 1_000) / 100 }
  })
}
