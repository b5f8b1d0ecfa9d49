import type { Headers } from '@millrace/core'

const FIRST_ROWS = 128
const FIRST_BYTES = 64 * 1024
const MAX_BYTES = 8 * 1024 * 1024

/** The size of a segment's buffer, given that of the one before: small topics stay small, large ones get few segments. */
export function nextSegmentBytes(previousBytes: number): number {
  return Math.max(FIRST_BYTES, Math.min(previousBytes * 2, MAX_BYTES))
}

/**
 * A run of records of one partition as packed columns: all keys and values in one buffer, everything else in typed arrays. Rows are
 * written behind `count` and become visible when `count` is raised; a visible row never changes, so readers are given views.
 */
export class Segment {
  readonly baseOffset: number
  readonly bytes: Uint8Array
  /** Rows that can be read. */
  count = 0
  /** Bytes used by those rows. */
  byteLength = 0
  offsets = new Float64Array(FIRST_ROWS)
  timestamps = new Float64Array(FIRST_ROWS)
  keyStarts = new Int32Array(FIRST_ROWS)
  keyEnds = new Int32Array(FIRST_ROWS)
  valueStarts = new Int32Array(FIRST_ROWS)
  valueEnds = new Int32Array(FIRST_ROWS)
  /** Absent while no row has headers. */
  headers: (Headers | undefined)[] | undefined
  /** 1 marks a row of an aborted transaction; absent while there is none. */
  aborted: Uint8Array | undefined

  constructor(baseOffset: number, capacity: number) {
    this.baseOffset = baseOffset
    this.bytes = new Uint8Array(capacity)
  }

  /** Makes room for one more row. The arrays that readers hold stay as they are: growing replaces, never moves. */
  reserve(row: number): void {
    if (row < this.offsets.length) return
    const rows = this.offsets.length * 2
    this.offsets = grownFloats(this.offsets, rows)
    this.timestamps = grownFloats(this.timestamps, rows)
    this.keyStarts = grownInts(this.keyStarts, rows)
    this.keyEnds = grownInts(this.keyEnds, rows)
    this.valueStarts = grownInts(this.valueStarts, rows)
    this.valueEnds = grownInts(this.valueEnds, rows)
  }

  /** The first row whose offset is at least `offset`; `count` when there is none. */
  rowAt(offset: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.offsets[middle] as number) < offset) low = middle + 1
      else high = middle
    }
    return low
  }

  setHeaders(row: number, headers: Headers): void {
    this.headers ??= []
    this.headers[row] = headers
  }

  /** Hides the rows of these offsets (inclusive) from `read-committed` readers. */
  markAborted(firstOffset: number, lastOffset: number): void {
    const to = this.rowAt(lastOffset + 1)
    for (let row = this.rowAt(firstOffset); row < to; row++) {
      if (this.aborted === undefined || this.aborted.length < this.offsets.length) {
        const flags = new Uint8Array(this.offsets.length)
        if (this.aborted !== undefined) flags.set(this.aborted)
        this.aborted = flags
      }
      this.aborted[row] = 1
    }
  }

  isAborted(row: number): boolean {
    return this.aborted?.[row] === 1
  }
}

function grownFloats(from: Float64Array<ArrayBuffer>, length: number): Float64Array<ArrayBuffer> {
  const grown = new Float64Array(length)
  grown.set(from)
  return grown
}

function grownInts(from: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(length)
  grown.set(from)
  return grown
}
