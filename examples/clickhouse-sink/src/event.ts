import { serdes } from 'millrace'

/** What the topic holds: a page that was seen, a payment, or a reading of a device. */
export interface ShopEvent {
  readonly id: string
  readonly kind: 'page' | 'payment' | 'reading'
  /** Milliseconds since 1970. */
  readonly at: number
  readonly who: string
  readonly amount: number
}

export const events = { key: serdes.string, value: serdes.json<ShopEvent>() }

/** Of a device whose clock has gone wrong: no database has such a date. */
export const brokenEvent: ShopEvent = { id: 'broken', kind: 'reading', at: 1e16, who: 'device-7', amount: 1 }

/** So many events, the first of which has this number: eight pages, a payment and a reading of ten. */
export function someEvents(count: number, from = 0): ShopEvent[] {
  return Array.from({ length: count }, (_, i) => {
    const n = from + i
    const kind = n % 10 === 8 ? 'payment' : n % 10 === 9 ? 'reading' : 'page'
    return { id: `e-${n}`, kind, at: 1_700_000_000_000 + n, who: `customer-${n % 100}`, amount: (n % 1_000) / 100 }
  })
}
