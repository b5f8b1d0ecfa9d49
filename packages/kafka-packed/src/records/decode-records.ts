import type { Header, Headers } from '@millrace/core'
import type { ColumnBuilder } from './column-builder.ts'
import { readVarint, readVarlong, varintEnd } from './varint.ts'

/** What the header of a batch says of its records. */
export interface RecordsFrame {
  /** Of the first record; what follows says how far it is from here. */
  readonly baseOffset: number
  readonly lastOffset: number
  readonly baseTimestamp: number
  /** Set where the broker gave all records one time: that at which it wrote them. */
  readonly appendTimestamp: number | undefined
  readonly count: number
}

/**
 * Reads the records between `start` and `end` of the builder's bytes into its columns, from offset `from` on. Returns what is wrong with them, if anything is: the
 * builder then holds some of them.
 *
 * One loop, with the varints of one byte read in place: this is where every record passes.
 */
export function decodeRecords(
  into: ColumnBuilder,
  frame: RecordsFrame,
  { start, end }: { readonly start: number; readonly end: number },
  from: number,
): string | undefined {
  const { bytes, keyStarts, keyEnds, valueStarts, valueEnds, offsets, timestamps } = into
  const { baseOffset, lastOffset, baseTimestamp, appendTimestamp, count } = frame
  let row = into.length
  let at = start
  let before = baseOffset - 1
  for (let i = 0; i < count; i++) {
    const length = readVarint(bytes, at, end)
    if (length < 0) return 'the length of a record is none'
    at = varintEnd
    const recordEnd = at + length
    if (recordEnd > end) return 'a record is longer than its batch'
    // Attributes, of which there are none yet.
    at++

    let byte = at < recordEnd ? (bytes[at] as number) : 0x80
    let timestampDelta: number
    if (byte < 0x80) {
      timestampDelta = (byte >>> 1) ^ -(byte & 1)
      at++
    } else {
      timestampDelta = readVarlong(bytes, at, recordEnd)
      if (timestampDelta === -Infinity) return 'the time of a record is none'
      at = varintEnd
    }

    const offsetDelta = readVarint(bytes, at, recordEnd)
    const offset = baseOffset + offsetDelta
    if (!(offset > before && offset <= lastOffset)) return 'the offset of a record is not between those around it'
    before = offset
    at = varintEnd

    byte = at < recordEnd ? (bytes[at] as number) : 0x80
    let keyLength: number
    if (byte < 0x80) {
      keyLength = (byte >>> 1) ^ -(byte & 1)
      at++
    } else {
      keyLength = readVarint(bytes, at, recordEnd)
      at = varintEnd
    }
    if (keyLength < -1 || at + keyLength > recordEnd) return 'the key of a record is longer than the record'
    const keyStart = at
    if (keyLength > 0) at += keyLength

    byte = at < recordEnd ? (bytes[at] as number) : 0x80
    let valueLength: number
    if (byte < 0x80) {
      valueLength = (byte >>> 1) ^ -(byte & 1)
      at++
    } else {
      valueLength = readVarint(bytes, at, recordEnd)
      at = varintEnd
    }
    if (valueLength < -1 || at + valueLength > recordEnd) return 'the value of a record is longer than the record'
    const valueStart = at
    if (valueLength > 0) at += valueLength

    const headerCount = readVarint(bytes, at, recordEnd)
    if (headerCount < 0) return 'the number of headers of a record is none'
    at = varintEnd
    const isWanted = offset >= from
    if (headerCount > 0) {
      const headers = decodeHeaders(bytes, at, recordEnd, headerCount)
      if (typeof headers === 'string') return headers
      if (isWanted) into.setHeaders(row, headers)
    } else if (at !== recordEnd) {
      return 'a record does not end where it should'
    }
    at = recordEnd

    if (isWanted) {
      keyStarts[row] = keyStart
      keyEnds[row] = keyLength < 0 ? -1 : keyStart + keyLength
      valueStarts[row] = valueStart
      valueEnds[row] = valueLength < 0 ? -1 : valueStart + valueLength
      offsets[row] = offset
      timestamps[row] = appendTimestamp ?? baseTimestamp + timestampDelta
      row++
    }
  }
  if (at !== end) return 'there are more bytes than records'
  into.length = row
  return undefined
}

/** Those of one record, which end where it does; or what is wrong with them. */
function decodeHeaders(bytes: Uint8Array, start: number, end: number, count: number): Headers | string {
  // Each has two lengths.
  if (count > (end - start) / 2) return 'a record has more headers than bytes for them'
  const headers: Header[] = []
  let at = start
  for (let i = 0; i < count; i++) {
    const keyLength = readVarint(bytes, at, end)
    if (keyLength < 0 || varintEnd + keyLength > end) return 'the name of a header is longer than its record'
    const keyStart = varintEnd
    at = keyStart + keyLength
    const valueLength = readVarint(bytes, at, end)
    if (valueLength < -1 || varintEnd + valueLength > end) return 'the value of a header is longer than its record'
    const valueStart = varintEnd
    at = valueStart + Math.max(valueLength, 0)
    headers.push({
      key: Buffer.from(bytes.buffer, bytes.byteOffset + keyStart, keyLength).toString(),
      value: valueLength < 0 ? null : bytes.subarray(valueStart, at),
    })
  }
  return at === end ? headers : 'a record does not end where it should'
}
