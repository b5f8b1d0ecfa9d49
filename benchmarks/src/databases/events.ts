/** A row as events mostly are. */
export interface EventRow extends Readonly<Record<string, unknown>> {
  readonly id: number
  readonly at: Date
  readonly kind: string
  readonly customer: string
  readonly amount: number
  readonly note: string
}

/** Rows of about 150 bytes, from this id on. */
export function eventRows(count: number, from: number): EventRow[] {
  return Array.from({ length: count }, (_, i) => ({
    id: from + i,
    at: new Date(1_700_000_000_000 + i),
    kind: i % 3 === 0 ? 'order.created' : 'order.paid',
    customer: `customer-${(i * 7_919) % 100_000}`,
    amount: (i % 10_000) / 100,
    note: `what somebody said about it, and it was number ${i}`,
  }))
}

/** The rows in batches of a size. */
export function batchesOf<T>(rows: readonly T[], size: number): T[][] {
  const batches: T[][] = []
  for (let from = 0; from < rows.length; from += size) batches.push(rows.slice(from, from + size))
  return batches
}
