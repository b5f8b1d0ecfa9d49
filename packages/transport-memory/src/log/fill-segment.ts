import type { BytesColumn, Headers, WriteBatch } from '@millrace/core'
import type { Segment } from './segment.ts'

/** Some records of a batch, in the order they are to be written: `rows[from]` to `rows[to - 1]`, or the batch's own order without `rows`. */
export interface SelectedRows {
  readonly batch: WriteBatch
  readonly rows: Int32Array | undefined
  readonly from: number
  readonly to: number
}

/** What {@link fillSegment} wrote behind the segment's visible rows, not visible yet. */
export interface FilledRows {
  /** Where in the selection writing stopped: at its end, or where the segment was full. */
  readonly stoppedAt: number
  readonly count: number
  readonly byteLength: number
}

/** Below this many bytes a plain loop beats the view that a block copy needs. */
const BLOCK_COPY_BYTES = 48

/** Copies records behind the segment's visible rows, as many as fit, with consecutive offsets from `offset` on. */
export function fillSegment(segment: Segment, selected: SelectedRows, offset: number): FilledRows {
  const { batch, rows, to } = selected
  const { keys, values, timestamps, headers } = batch
  const capacity = segment.bytes.length
  let row = segment.count
  let end = segment.byteLength
  let at = selected.from
  for (; at < to; at++) {
    const i = rows === undefined ? at : (rows[at] as number)
    const keyLength = lengthAt(keys, i)
    const valueLength = lengthAt(values, i)
    if (end + (keyLength > 0 ? keyLength : 0) + (valueLength > 0 ? valueLength : 0) > capacity) break
    segment.reserve(row)
    segment.keyStarts[row] = end
    if (keyLength > 0) copyAt(keys, i, segment.bytes, end)
    if (keyLength > 0) end += keyLength
    segment.keyEnds[row] = keyLength < 0 ? -1 : end
    segment.valueStarts[row] = end
    if (valueLength > 0) copyAt(values, i, segment.bytes, end)
    if (valueLength > 0) end += valueLength
    segment.valueEnds[row] = valueLength < 0 ? -1 : end
    segment.timestamps[row] = timestamps[i] as number
    segment.offsets[row] = offset + (at - selected.from)
    const own = headers?.[i]
    if (own !== undefined && own.length > 0) segment.setHeaders(row, copyHeaders(own))
    // The row may have been filled before, when it could not be stored.
    else if (segment.headers !== undefined) segment.headers[row] = undefined
    row++
  }
  return { stoppedAt: at, count: row, byteLength: end }
}

/** The bytes a record takes in a segment. */
export function rowByteLength(batch: WriteBatch, i: number): number {
  return Math.max(lengthAt(batch.keys, i), 0) + Math.max(lengthAt(batch.values, i), 0)
}

/** The length in bytes; -1 for null. */
function lengthAt(column: BytesColumn, i: number): number {
  if (column.form === 'views') {
    const view = column.views[i]
    return view === null || view === undefined ? -1 : view.byteLength
  }
  const end = column.ends[i] as number
  return end < 0 ? -1 : end - (column.starts[i] as number)
}

function copyAt(column: BytesColumn, i: number, target: Uint8Array, targetStart: number): void {
  if (column.form === 'views') {
    const view = column.views[i] as Uint8Array
    if (view.length > BLOCK_COPY_BYTES) target.set(view, targetStart)
    else for (let k = 0; k < view.length; k++) target[targetStart + k] = view[k] as number
    return
  }
  const start = column.starts[i] as number
  const end = column.ends[i] as number
  if (end - start > BLOCK_COPY_BYTES) {
    target.set(column.bytes.subarray(start, end), targetStart)
    return
  }
  const { bytes } = column
  for (let from = start, k = targetStart; from < end; from++, k++) target[k] = bytes[from] as number
}

function copyHeaders(headers: Headers): Headers {
  return headers.map(({ key, value }) => ({ key, value: value === null ? null : value.slice() }))
}
