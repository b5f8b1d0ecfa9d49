import type { ByteRange, KeyRange, StoreEntry, StoreRow } from '@millrace/core'
import type { StoreCodec } from './store-codec.ts'

/** Some entries of an iteration. */
export type Page = readonly StoreEntry<unknown, unknown>[]

export const DEFAULT_PAGE_SIZE = 1_000

export function checkPageSize(store: string, pageSize: number): void {
  if (Number.isInteger(pageSize) && pageSize > 0) return
  throw new TypeError(`Store '${store}': a page can't have ${pageSize} entries; use a whole number from 1 up.`)
}

/** The bytes between which the keys of `range` lie. */
export function byteRange({ from, to, reverse }: KeyRange<unknown>, codec: StoreCodec): ByteRange {
  return {
    gte: from === undefined ? undefined : codec.keyBytes(from),
    lt: to === undefined ? undefined : codec.keyBytes(to),
    reverse,
  }
}

export function decodeRows(rows: readonly StoreRow[], codec: StoreCodec): Page {
  const page: StoreEntry<unknown, unknown>[] = []
  for (const [key, value] of rows) page.push([codec.keyOf(key), codec.decode(value)])
  return page
}
