import type { Header, Headers } from '@millrace/core'
import type { FilledRows } from '../log/fill-segment.ts'
import type { Segment } from '../log/segment.ts'
import { newFrame, sealFrame } from './frame.ts'

/**
 * Records of consecutive offsets, as a frame:
 * type 1, transaction id (0 outside of transactions), first offset, count, bytes of keys and values, bytes of headers; then columns:
 * timestamps, key lengths, value lengths (-1: null); then the keys and values, record by record; then the headers of those that have some.
 */
const RECORDS = 1
/** The end of a transaction: type 2, transaction id, offset, 1 for committed or 0 for aborted. */
const MARKER = 2

const RECORDS_PREFIX = 1 + 8 + 8 + 4 + 4 + 4
const ROW_COLUMNS = 8 + 4 + 4
const NULL = -1

export interface MarkerFrame {
  readonly type: 'marker'
  readonly transactionId: number
  readonly offset: number
  readonly outcome: 'committed' | 'aborted'
}

/** Records whose payload is still packed: {@link loadRecords} puts them into a segment. */
export interface RecordsFrame {
  readonly type: 'records'
  readonly transactionId: number
  readonly firstOffset: number
  readonly count: number
  readonly byteLength: number
  readonly payload: Buffer
}

export function encodeMarker({ transactionId, offset, outcome }: Omit<MarkerFrame, 'type'>): Buffer {
  const { frame, payload } = newFrame(1 + 8 + 8 + 1)
  payload.writeUInt8(MARKER, 0)
  payload.writeDoubleLE(transactionId, 1)
  payload.writeDoubleLE(offset, 9)
  payload.writeUInt8(outcome === 'committed' ? 1 : 0, 17)
  return sealFrame(frame)
}

/** The rows behind the visible ones of a segment. */
export function encodeRecords(segment: Segment, filled: FilledRows, transactionId: number): Buffer {
  const from = segment.count
  const count = filled.count - from
  const byteLength = filled.byteLength - segment.byteLength
  const headers = encodeHeaders(segment, from, filled.count)
  const { frame, payload } = newFrame(RECORDS_PREFIX + count * ROW_COLUMNS + byteLength + headers.length)
  payload.writeUInt8(RECORDS, 0)
  payload.writeDoubleLE(transactionId, 1)
  payload.writeDoubleLE(segment.offsets[from] as number, 9)
  payload.writeUInt32LE(count, 17)
  payload.writeUInt32LE(byteLength, 21)
  payload.writeUInt32LE(headers.length, 25)
  let at = RECORDS_PREFIX
  for (let row = from; row < filled.count; row++) at = payload.writeDoubleLE(segment.timestamps[row] as number, at)
  for (let row = from; row < filled.count; row++) at = payload.writeInt32LE(lengthOf(segment.keyStarts, segment.keyEnds, row), at)
  for (let row = from; row < filled.count; row++) at = payload.writeInt32LE(lengthOf(segment.valueStarts, segment.valueEnds, row), at)
  payload.set(segment.bytes.subarray(segment.byteLength, filled.byteLength), at)
  payload.set(headers, at + byteLength)
  return sealFrame(frame)
}

function lengthOf(starts: Int32Array, ends: Int32Array, row: number): number {
  const end = ends[row] as number
  return end < 0 ? NULL : end - (starts[row] as number)
}

export function decodeFrame(payload: Buffer): MarkerFrame | RecordsFrame {
  const transactionId = payload.readDoubleLE(1)
  if (payload.readUInt8(0) === MARKER) {
    const outcome = payload.readUInt8(17) === 1 ? 'committed' : 'aborted'
    return { type: 'marker', transactionId, offset: payload.readDoubleLE(9), outcome }
  }
  const [firstOffset, count, byteLength] = [payload.readDoubleLE(9), payload.readUInt32LE(17), payload.readUInt32LE(21)]
  return { type: 'records', transactionId, firstOffset, count, byteLength, payload }
}

/** Puts the records behind the rows a segment has, and makes them visible. */
export function loadRecords(segment: Segment, { payload, firstOffset, count, byteLength }: RecordsFrame): void {
  const timestamps = RECORDS_PREFIX
  const keyLengths = timestamps + count * 8
  const valueLengths = keyLengths + count * 4
  const bytes = valueLengths + count * 4
  segment.bytes.set(payload.subarray(bytes, bytes + byteLength), segment.byteLength)
  let end = segment.byteLength
  for (let i = 0; i < count; i++) {
    const row = segment.count + i
    segment.reserve(row)
    const keyLength = payload.readInt32LE(keyLengths + i * 4)
    const valueLength = payload.readInt32LE(valueLengths + i * 4)
    segment.offsets[row] = firstOffset + i
    segment.timestamps[row] = payload.readDoubleLE(timestamps + i * 8)
    segment.keyStarts[row] = end
    end += Math.max(keyLength, 0)
    segment.keyEnds[row] = keyLength < 0 ? NULL : end
    segment.valueStarts[row] = end
    end += Math.max(valueLength, 0)
    segment.valueEnds[row] = valueLength < 0 ? NULL : end
  }
  loadHeaders(segment, payload.subarray(bytes + byteLength))
  segment.count += count
  segment.byteLength = end
}

/** Per record with headers: its index, how many; per header: key length, key, value length (-1: null), value. */
function encodeHeaders(segment: Segment, from: number, to: number): Buffer {
  const parts: Buffer[] = []
  if (segment.headers !== undefined) {
    for (let row = from; row < to; row++) {
      const headers = segment.headers[row]
      if (headers === undefined) continue
      parts.push(int32(row - from), int32(headers.length))
      for (const { key, value } of headers) {
        const name = Buffer.from(key)
        parts.push(int32(name.length), name, int32(value?.length ?? NULL))
        if (value !== null) parts.push(Buffer.from(value))
      }
    }
  }
  return Buffer.concat(parts)
}

function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeInt32LE(value)
  return bytes
}

function loadHeaders(segment: Segment, bytes: Buffer): void {
  let at = 0
  const nextInt = (): number => {
    at += 4
    return bytes.readInt32LE(at - 4)
  }
  const nextBytes = (length: number): Buffer => {
    at += length
    return bytes.subarray(at - length, at)
  }
  while (at < bytes.length) {
    const row = segment.count + nextInt()
    const count = nextInt()
    const headers: Header[] = []
    for (let i = 0; i < count; i++) {
      const key = nextBytes(nextInt()).toString()
      const valueLength = nextInt()
      headers.push({ key, value: valueLength < 0 ? null : Uint8Array.from(nextBytes(valueLength)) })
    }
    segment.setHeaders(row, headers satisfies Headers)
  }
}
