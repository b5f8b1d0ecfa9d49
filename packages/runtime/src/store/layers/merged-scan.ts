import { compareBytes, type StoreChange, type StoreRow } from '@millrace/core'

/** The union of two lists that ascend by key; where both have a key, that of `upper`. */
export function overlay(upper: readonly StoreChange[], lower: readonly StoreChange[]): readonly StoreChange[] {
  if (upper.length === 0) return lower
  if (lower.length === 0) return upper
  const merged: StoreChange[] = []
  let at = 0
  for (const entry of upper) {
    for (; at < lower.length; at++) {
      const below = lower[at] as StoreChange
      const order = compareBytes(below.key, entry.key)
      if (order > 0) break
      if (order < 0) merged.push(below)
    }
    merged.push(entry)
  }
  for (; at < lower.length; at++) merged.push(lower[at] as StoreChange)
  return merged
}

export interface MergedScanOptions {
  readonly pageSize: number
  /** Both the scan and the changes descend. */
  readonly reverse: boolean
}

/** The rows of a backend's scan with `changes` laid over them, in pages of `pageSize` (the last may be shorter). */
export async function* mergedScan(
  scan: AsyncIterable<readonly StoreRow[]>,
  changes: readonly StoreChange[],
  { pageSize, reverse }: MergedScanOptions,
): AsyncGenerator<readonly StoreRow[]> {
  const direction = reverse ? -1 : 1
  let page: StoreRow[] = []
  let at = 0
  for await (const rows of scan) {
    for (const row of rows) {
      let hidden = false
      for (; at < changes.length && !hidden; at++) {
        const { key, value } = changes[at] as StoreChange
        const order = direction * compareBytes(key, row[0])
        if (order > 0) break
        hidden = order === 0
        if (value === undefined) continue
        page.push([key, value])
        if (page.length < pageSize) continue
        yield page
        page = []
      }
      if (hidden) continue
      page.push(row)
      if (page.length < pageSize) continue
      yield page
      page = []
    }
  }
  for (; at < changes.length; at++) {
    const { key, value } = changes[at] as StoreChange
    if (value === undefined) continue
    page.push([key, value])
    if (page.length < pageSize) continue
    yield page
    page = []
  }
  if (page.length > 0) yield page
}
