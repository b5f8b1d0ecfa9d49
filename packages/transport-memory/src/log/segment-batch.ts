import type { Headers, PackedColumn, WireBatch } from '@millrace/core'
import type { Segment } from './segment.ts'

/** Rows of a segment as they lie there: nothing is copied, and as a segment is never overwritten, nothing is to be released. */
export class SegmentBatch implements WireBatch {
  readonly topic: string
  readonly partition: number
  readonly length: number
  readonly keys: PackedColumn
  readonly values: PackedColumn
  readonly timestamps: Float64Array
  readonly offsets: Float64Array
  readonly headers: readonly (Headers | undefined)[] | undefined
  readonly endOffset: number

  constructor(
    at: { readonly topic: string; readonly partition: number; readonly endOffset: number },
    segment: Segment,
    rows: { readonly from: number; readonly to: number },
  ) {
    const { from, to } = rows
    const { bytes } = segment
    this.topic = at.topic
    this.partition = at.partition
    this.length = to - from
    this.keys = {
      form: 'packed',
      length: to - from,
      bytes,
      starts: segment.keyStarts.subarray(from, to),
      ends: segment.keyEnds.subarray(from, to),
    }
    this.values = {
      form: 'packed',
      length: to - from,
      bytes,
      starts: segment.valueStarts.subarray(from, to),
      ends: segment.valueEnds.subarray(from, to),
    }
    this.timestamps = segment.timestamps.subarray(from, to)
    this.offsets = segment.offsets.subarray(from, to)
    this.headers = headersOf(segment, from, to)
    this.endOffset = at.endOffset
  }

  release(): void {}
}

function headersOf(segment: Segment, from: number, to: number): readonly (Headers | undefined)[] | undefined {
  if (segment.headers === undefined) return undefined
  const headers: (Headers | undefined)[] = []
  let any = false
  for (let row = from; row < to; row++) {
    const own = segment.headers[row]
    if (own !== undefined) any = true
    headers.push(own)
  }
  return any ? headers : undefined
}
