import type { BytesColumn, Header, Headers } from '@millrace/core'
import { codecOf } from '../compression/codecs.ts'
import { type Compression, COMPRESSIONS } from '../compression/codec.ts'
import { BATCH, LENGTH_ENDS, TRANSACTIONAL } from './batch-header.ts'
import { crc32c } from './crc32c.ts'
import { writeInt64 } from './int64.ts'
import { varintBytes, writeVarint, writeVarlong } from './varint.ts'

/** Records to be written, as columns. */
export interface WritableColumns {
  readonly keys: BytesColumn
  readonly values: BytesColumn
  /** Milliseconds since the epoch. */
  readonly timestamps: ArrayLike<number>
  /** Absent: no record has headers. */
  readonly headers?: readonly (Headers | undefined)[] | undefined
}

/** Who wrote a batch, so that the broker writes it once and in its turn. */
export interface ProducerStamp {
  /** As the broker gave it; -1: none, and no sequence. */
  readonly producerId: number
  /** As the broker gave it, with the id. */
  readonly producerEpoch: number
  /** Of the batch's first record. */
  readonly baseSequence: number
  readonly isTransactional: boolean
}

const FIRST_BYTES = 4 * 1024
/** Shorter ones are copied faster byte by byte than by a call. */
const SHORT_BYTES = 40
/** Five varints of 32 bits, one of 64 and the attributes. */
const MOST_FRAME_BYTES = 36
const MAX_ASCII = 127
/** Bytes of UTF-8 that a unit of a text takes, at most. */
const MOST_UNIT_BYTES = 3
const NOTHING = new Uint8Array(0)

/** Gathers records into one record batch (format v2). */
export class BatchBuilder {
  #bytes: Uint8Array
  #at: number = BATCH.records
  #count = 0
  #baseTimestamp = 0
  #maxTimestamp = 0

  /** `firstBytes`: about how large it will be; more is made room for when it is needed. Default: 4 KiB. */
  constructor(firstBytes = FIRST_BYTES) {
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(firstBytes, BATCH.records))
  }

  /** Of records so far. */
  get count(): number {
    return this.#count
  }

  /** Of the batch as it stands, not compressed, its header included. */
  get byteLength(): number {
    return this.#at
  }

  /** Adds the record at `row`. Its bytes are copied. */
  append({ keys, values, timestamps, headers }: WritableColumns, row: number): void {
    const key = keys.form === 'packed' ? keys.bytes : (keys.views[row] ?? NOTHING)
    const keyStart = keys.form === 'packed' ? (keys.starts[row] as number) : 0
    const keyLength = lengthAt(keys, row)
    const value = values.form === 'packed' ? values.bytes : (values.views[row] ?? NOTHING)
    const valueStart = values.form === 'packed' ? (values.starts[row] as number) : 0
    const valueLength = lengthAt(values, row)
    const ofRecord = headers?.[row]
    const headerBytes = ofRecord === undefined ? 1 : headersLength(ofRecord)

    const timestamp = timestamps[row] as number
    if (this.#count === 0) this.#baseTimestamp = this.#maxTimestamp = timestamp
    else if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp

    const most = MOST_FRAME_BYTES + Math.max(keyLength, 0) + Math.max(valueLength, 0) + headerBytes
    if (this.#at + most > this.#bytes.length) this.#grow(this.#at + most)

    const bytes = this.#bytes
    // The record's length comes first and is known last: what follows it is written where a length of one or two bytes ends.
    const begin = this.#at
    const guess = begin + varintBytes(most)
    let at = guess
    bytes[at++] = 0
    at = writeVarlong(bytes, at, timestamp - this.#baseTimestamp)
    at = writeVarint(bytes, at, this.#count)
    at = this.#copy(at, key, keyStart, keyLength)
    at = this.#copy(at, value, valueStart, valueLength)
    if (ofRecord === undefined) bytes[at++] = 0
    else at = this.#copyHeaders(at, ofRecord)
    const bodyEnds = writeVarint(bytes, begin, at - guess)
    if (bodyEnds !== guess) {
      bytes.copyWithin(bodyEnds, guess, at)
      at -= guess - bodyEnds
    }
    this.#at = at
    this.#count++
  }

  /** The batch, whole but for who wrote it. Nothing may be added any more. The library for `compression` is loaded. */
  seal(compression: Compression): SealedBatch {
    const whole = this.#bytes.subarray(0, this.#at)
    const bytes = compression === 'none' ? whole : compressed(whole, compression)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    writeInt64(view, BATCH.baseOffset, 0)
    view.setInt32(BATCH.length, bytes.length - LENGTH_ENDS)
    view.setInt32(BATCH.leaderEpoch, -1)
    view.setInt8(BATCH.magic, 2)
    view.setInt16(BATCH.attributes, COMPRESSIONS.indexOf(compression))
    view.setInt32(BATCH.lastOffsetDelta, this.#count - 1)
    writeInt64(view, BATCH.baseTimestamp, this.#baseTimestamp)
    writeInt64(view, BATCH.maxTimestamp, this.#maxTimestamp)
    view.setInt32(BATCH.recordCount, this.#count)
    return new SealedBatch(bytes, view, this.#count)
  }

  /** A length, -1 for null, and what it is of; returns where it ends. */
  #copy(to: number, from: Uint8Array, start: number, length: number): number {
    const bytes = this.#bytes
    let at = writeVarint(bytes, to, length)
    if (length <= 0) return at
    if (length > SHORT_BYTES) {
      bytes.set(from.subarray(start, start + length), at)
      return at + length
    }
    for (let i = 0; i < length; i++) bytes[at++] = from[start + i] as number
    return at
  }

  #copyHeaders(to: number, headers: Headers): number {
    let at = writeVarint(this.#bytes, to, headers.length)
    for (let i = 0; i < headers.length; i++) {
      const { key, value } = headers[i] as Header
      at = this.#copyText(at, key)
      at = this.#copy(at, value ?? NOTHING, 0, value?.length ?? -1)
    }
    return at
  }

  /** A length and a text: most are short and ASCII, which is copied faster than made bytes of. */
  #copyText(to: number, text: string): number {
    const bytes = this.#bytes
    let at = writeVarint(bytes, to, text.length)
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code > MAX_ASCII) {
        const encoded = Buffer.from(text)
        return this.#copy(to, encoded, 0, encoded.length)
      }
      bytes[at++] = code
    }
    return at
  }

  #grow(least: number): void {
    const bytes = Buffer.allocUnsafeSlow(Math.max(least, this.#bytes.length * 2))
    bytes.set(this.#bytes.subarray(0, this.#at))
    this.#bytes = bytes
  }
}

/** A record batch to be sent, as often as it takes. */
export class SealedBatch {
  readonly bytes: Uint8Array
  /** Of records. */
  readonly count: number
  readonly #view: DataView

  constructor(bytes: Uint8Array, view: DataView, count: number) {
    this.bytes = bytes
    this.#view = view
    this.count = count
  }

  /** Says who wrote it, and sums it up. */
  stamp({ producerId, producerEpoch, baseSequence, isTransactional }: ProducerStamp): void {
    const view = this.#view
    const attributes = view.getInt16(BATCH.attributes)
    view.setInt16(BATCH.attributes, isTransactional ? attributes | TRANSACTIONAL : attributes & ~TRANSACTIONAL)
    writeInt64(view, BATCH.producerId, producerId)
    view.setInt16(BATCH.producerEpoch, producerEpoch)
    view.setInt32(BATCH.baseSequence, baseSequence)
    view.setUint32(BATCH.crc, crc32c(this.bytes, BATCH.attributes))
  }
}

/** Header as it is, records compressed. */
function compressed(whole: Uint8Array, compression: Exclude<Compression, 'none'>): Uint8Array {
  const records = codecOf(compression).compress(whole.subarray(BATCH.records))
  const bytes = Buffer.allocUnsafeSlow(BATCH.records + records.length)
  bytes.set(records, BATCH.records)
  return bytes
}

/** -1 for null. */
function lengthAt(column: BytesColumn, row: number): number {
  if (column.form === 'views') return column.views[row]?.length ?? -1
  const end = column.ends[row] as number
  return end < 0 ? -1 : end - (column.starts[row] as number)
}

/** At most. */
function headersLength(headers: Headers): number {
  let length = 5
  for (let i = 0; i < headers.length; i++) {
    const { key, value } = headers[i] as Header
    length += 10 + MOST_UNIT_BYTES * key.length + (value?.length ?? 0)
  }
  return length
}
