import type { StoreBackend, StoreRow } from '@millrace/core'
import type { WindowLayout } from './window-layout.ts'

const PAGE_ROWS = 1_000

/** Removes rows of segments that are over, a bounded number at a time. */
export class ExpiredRows {
  readonly #backend: StoreBackend
  readonly #windows: WindowLayout
  /** The first time of which rows may be left. */
  #cleanBelow = 0
  /** Rows below it have been removed since that was last moved. */
  #from: Uint8Array | undefined

  constructor(backend: StoreBackend, windows: WindowLayout) {
    this.#backend = backend
    this.#windows = windows
  }

  /** Removes at most `most` rows (and what is left of a page) of the segments before that of `firstKept`. What is left is for the next time. */
  async remove(firstKept: number, most: number): Promise<void> {
    const firstSegment = this.#windows.startOfSegment(firstKept)
    if (firstSegment <= this.#cleanBelow) return
    for (let removed = 0; removed < most;) {
      const rows = await this.#firstPage({ ...this.#windows.below(firstKept), gte: this.#from })
      if (rows.length === 0) {
        this.#cleanBelow = firstSegment
        this.#from = undefined
        return
      }
      await this.#backend.write(rows.map(([key]) => ({ key, value: undefined })))
      removed += rows.length
      // What was removed costs a scan something, until it is compacted.
      this.#from = rows.at(-1)?.[0]
    }
  }

  async #firstPage(range: Parameters<StoreBackend['scan']>[0]): Promise<readonly StoreRow[]> {
    for await (const rows of this.#backend.scan(range, PAGE_ROWS)) return rows
    return []
  }
}
