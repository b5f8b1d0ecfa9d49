import { type ByteRange, compareBytes, type StoreRow } from '@millrace/core'
import type { ChangeLayer } from './change-layer.ts'

import type { Entry } from './entry.ts'

/** The changes of some layers within a range, in key order; of two for a key the one of the earlier layer. Deletions are kept. */
export function changesInRange(layers: readonly ChangeLayer[], range: ByteRange): Entry[] {
  const newest = new Map<unknown, Entry>()
  for (const layer of layers) {
    for (const [id, entry] of layer.entries()) if (!newest.has(id) && inRange(entry.keyBytes, range)) newest.set(id, entry)
  }
  const direction = range.reverse === true ? -1 : 1
  return [...newest.values()].sort((a, b) => direction * compareBytes(a.keyBytes, b.keyBytes))
}

function inRange(key: Uint8Array, { gte, lt }: ByteRange): boolean {
  return (gte === undefined || compareBytes(key, gte) >= 0) && (lt === undefined || compareBytes(key, lt) < 0)
}

/** The rows of a backend's scan with `changes` laid over them, in pages of at most `pageSize`. Both are in the order of `reverse`. */
export async function* mergedScan(
  scan: AsyncIterable<readonly StoreRow[]>,
  changes: readonly Entry[],
  { pageSize, reverse }: { readonly pageSize: number; readonly reverse: boolean },
): AsyncGenerator<readonly StoreRow[]> {
  const direction = reverse ? -1 : 1
  let page: StoreRow[] = []
  let at = 0
  for await (const rows of scan) {
    for (const row of rows) {
      let hidden = false
      for (; at < changes.length; at++) {
        const change = changes[at] as Entry
        const order = direction * compareBytes(change.keyBytes, row[0])
        if (order > 0) break
        if (order === 0) hidden = true
        if (change.valueBytes !== undefined) page.push([change.keyBytes, change.valueBytes])
      }
      if (!hidden) page.push(row)
    }
    while (page.length >= pageSize) {
      yield page.slice(0, pageSize)
      page = page.slice(pageSize)
    }
  }
  for (; at < changes.length; at++) {
    const change = changes[at] as Entry
    if (change.valueBytes !== undefined) page.push([change.keyBytes, change.valueBytes])
  }
  for (let from = 0; from < page.length; from += pageSize) yield page.slice(from, from + pageSize)
}
