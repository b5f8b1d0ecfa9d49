import { type ByteRange, compareBytes, type Serde } from '@millrace/core'
import { readTime, TIME_BYTES, writeTime } from './time-bytes.ts'

/** Segments are no shorter, as in Kafka Streams. */
const SEGMENT_MS = 60_000

export interface WindowLayoutOptions {
  readonly retentionMs: number
  /** Of users' keys. */
  readonly key: Serde<unknown>
  /** Bytes behind the key in a changelog's record. */
  readonly suffixBytes: number
  /** The time by which an entry is kept, of a window as users give it. */
  readonly timeOf: (window: unknown) => number
}

/**
 * How rows of windows lie: the number of their segment (8 bytes), then the changelog's key, which is the user's key, the time by which an entry is kept
 * (8 bytes) and more of a fixed length. So a segment is one span of rows, which is removed when it is over, and in it the windows of a key
 * lie together, by time.
 */
export class WindowLayout {
  readonly retentionMs: number
  /** Windows whose times are in the same span of so many milliseconds are in the same segment. */
  readonly segmentMs: number
  readonly timeOf: (window: unknown) => number
  readonly #key: Serde<unknown>
  readonly #suffixBytes: number

  constructor({ retentionMs, key, suffixBytes, timeOf }: WindowLayoutOptions) {
    this.retentionMs = retentionMs
    this.segmentMs = Math.max(Math.floor(retentionMs / 2), SEGMENT_MS)
    this.timeOf = timeOf
    this.#key = key
    this.#suffixBytes = suffixBytes
  }

  /** The time of a row. */
  timeOfRow(row: Uint8Array): number {
    return readTime(row, row.byteLength - this.#suffixBytes)
  }

  /** The row's key of a changelog's. Throws for one that is too short. */
  rowKey(changelogKey: Uint8Array): Uint8Array {
    if (changelogKey.byteLength < this.#suffixBytes)
      throw new TypeError(`the key has ${changelogKey.byteLength} bytes; a window's has at least ${this.#suffixBytes}`)
    const row = new Uint8Array(TIME_BYTES + changelogKey.byteLength)
    row.set(changelogKey, TIME_BYTES)
    writeTime(row, 0, this.#segmentOf(readTime(changelogKey, changelogKey.byteLength - this.#suffixBytes)))
    return row
  }

  /** A view of it. */
  changelogKey(row: Uint8Array): Uint8Array {
    return row.subarray(TIME_BYTES)
  }

  /** What begins a row: segment, key and room for what follows it. */
  newRow(key: unknown, time: number): Uint8Array {
    const keyBytes = this.#keyBytes(key)
    const row = new Uint8Array(TIME_BYTES + keyBytes.byteLength + this.#suffixBytes)
    writeTime(row, 0, this.#segmentOf(time))
    row.set(keyBytes, TIME_BYTES)
    return row
  }

  /** The user's key of a row between `start` and `end`. */
  keyOf(bytes: Uint8Array, start: number, end: number): unknown {
    return this.#key.deserialize(bytes, start + TIME_BYTES, end - this.#suffixBytes)
  }

  /** Rows of all keys in the segments that have times from `from` (inclusive) to `to` (exclusive): some of them are outside. */
  spanOf(from: number, to: number): ByteRange {
    return { gte: segmentStart(this.#segmentOf(from)), lt: segmentStart(this.#segmentOf(Math.max(from, to - 1)) + 1) }
  }

  /** The first time of the segment that `time` is in. */
  startOfSegment(time: number): number {
    return this.#segmentOf(time) * this.segmentMs
  }

  /** Rows below the segment of `time`. */
  below(time: number): ByteRange {
    return { lt: segmentStart(this.#segmentOf(time)) }
  }

  /** Spans of rows, in the order of time, among which are all of one key with times from `from` (inclusive) to `to` (exclusive): one a segment. */
  spansOf(key: unknown, from: number, to: number): ByteRange[] {
    const keyBytes = this.#keyBytes(key)
    const spans: ByteRange[] = []
    const last = this.#segmentOf(to - 1)
    for (let segment = this.#segmentOf(from); segment <= last; segment++) {
      spans.push({ gte: bound(segment, keyBytes, from), lt: bound(segment, keyBytes, to) })
    }
    return spans
  }

  /** Whether a row that lies in such a span is of the key itself, and not of a longer one. */
  isOf(key: unknown): (row: Uint8Array) => boolean {
    const keyBytes = this.#keyBytes(key)
    const length = TIME_BYTES + keyBytes.byteLength + this.#suffixBytes
    return (row) => row.byteLength === length && compareBytes(row.subarray(TIME_BYTES, TIME_BYTES + keyBytes.byteLength), keyBytes) === 0
  }

  #segmentOf(time: number): number {
    return Math.floor(time / this.segmentMs)
  }

  #keyBytes(key: unknown): Uint8Array {
    if (key === undefined || key === null) throw new TypeError(`a key can't be ${String(key)}.`)
    const bytes = this.#key.serialize(key)
    if (bytes === null) throw new TypeError('a key was serialised to null; keys need bytes.')
    return bytes
  }
}

function segmentStart(segment: number): Uint8Array {
  const bytes = new Uint8Array(TIME_BYTES)
  writeTime(bytes, 0, segment)
  return bytes
}

function bound(segment: number, key: Uint8Array, time: number): Uint8Array {
  const bytes = new Uint8Array(TIME_BYTES + key.byteLength + TIME_BYTES)
  writeTime(bytes, 0, segment)
  bytes.set(key, TIME_BYTES)
  writeTime(bytes, TIME_BYTES + key.byteLength, time)
  return bytes
}
