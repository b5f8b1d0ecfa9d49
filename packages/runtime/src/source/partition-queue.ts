import {
  type BatchPolicy,
  BatchSizer,
  type BatchTrigger,
  ColumnBatch,
  type Headers,
  memoryOf,
  type MillraceError,
  type SourceNode,
  type WireBatch,
  type LivePolicy,
} from '@millrace/core'
import { DecodedChunk, type RawRecord } from './decoded-chunk.ts'
import { PeekedRows } from './peeked-rows.ts'
import type { ReadBuffer } from './read-buffer.ts'

export interface PartitionQueueOptions {
  readonly topic: string
  readonly partition: number
  readonly source: SourceNode
  /** When its batches are cut: looked at for each. */
  readonly policy: LivePolicy
  /** What it shares with all others. */
  readonly buffer: ReadBuffer
  /** Offset of the first record that will arrive. */
  readonly position: number
  /** The highest timestamp taken from the partition so far, -1 if none. */
  readonly partitionTime: number
}

/** What was read from one partition and waits to be processed, in offset order. */
export class PartitionQueue {
  readonly topic: string
  readonly partition: number
  readonly source: SourceNode
  /** The size of its batches, which may adapt. */
  readonly sizer: BatchSizer
  /** Records waiting. */
  length = 0
  /** Serialised bytes waiting. */
  bytes = 0
  /** The highest timestamp taken from the partition so far, -1 if none. */
  partitionTime: number
  /** Reading of the partition is paused because too much waits here. */
  paused = false
  readonly #policy: LivePolicy
  readonly #buffer: ReadBuffer
  readonly #chunks: DecodedChunk[] = []
  #row = 0
  #peeked: PeekedRows | undefined
  #readTo: number
  #nextOffset: number
  #end: number | undefined
  /** The highest timestamp up to the chunk decoded last. */
  #decodedTime: number

  constructor(options: PartitionQueueOptions) {
    this.topic = options.topic
    this.partition = options.partition
    this.source = options.source
    this.#policy = options.policy
    this.#buffer = options.buffer
    this.sizer = new BatchSizer(options.policy)
    this.partitionTime = options.partitionTime
    this.#readTo = options.position
    this.#nextOffset = options.position
    this.#decodedTime = options.partitionTime
  }

  /** When its batches are cut; may be another for each batch. */
  get policy(): BatchPolicy {
    return this.#policy.current
  }

  /** Estimated memory that waiting records take. */
  get memoryBytes(): number {
    return memoryOf(this.length, this.bytes)
  }

  append(wire: WireBatch, now: number): void {
    if (wire.length === 0) return
    const chunk = new DecodedChunk(wire, now)
    this.#chunks.push(chunk)
    this.length += wire.length
    this.bytes += chunk.bytes
    this.#buffer.add(wire.length, chunk.bytes)
    this.sizer.arrived(wire.length, now)
    this.#readTo = (wire.offsets[wire.length - 1] as number) + 1
    if (wire.endOffset !== undefined) this.#end = wire.endOffset
  }

  /** The partition was read to its end, which is at `offset`. */
  markEnd(offset: number): void {
    this.#end = offset
    if (offset > this.#readTo) this.#readTo = offset
  }

  /** The offset to commit: of the next record that has not been processed. Past control records when all has been processed. */
  get nextOffset(): number {
    return this.length === 0 ? Math.max(this.#nextOffset, this.#readTo) : this.#nextOffset
  }

  /** Whether everything the partition is known to hold has been read; false while that is unknown. */
  get atEnd(): boolean {
    return this.#end !== undefined && this.#readTo >= this.#end
  }

  /** When the first waiting record arrived. */
  get firstArrivedAt(): number {
    return (this.#chunks[0] as DecodedChunk).arrivedAt
  }

  /** Why the first waiting record can't be processed, if it can't. */
  firstFailure(): MillraceError | undefined {
    return this.#head().failure(this.#row)
  }

  /** Waiting record `index` as it was read; its bytes are copies. */
  raw(index: number): RawRecord {
    let row = this.#row + index
    for (const chunk of this.#chunks) {
      if (row < chunk.wire.length) return chunk.raw(row)
      row -= chunk.wire.length
    }
    throw new RangeError(`There is no waiting record ${index}.`)
  }

  /** Timestamp of the first waiting record. */
  get firstTimestamp(): number {
    return this.#head().timestamps[this.#row] as number
  }

  /** How many records, of the first `limit`, come before one for which `stop` is true (or which can't be processed). */
  countUntil(limit: number, stop: (timestamp: number) => boolean): number {
    let count = 0
    let from = this.#row
    for (const chunk of this.#chunks) {
      this.#decode(chunk)
      const until = chunk.firstFailure(from, chunk.wire.length)
      for (let row = from; row < until; row++) {
        if (count >= limit || stop(chunk.timestamps[row] as number)) return count
        count++
      }
      if (until < chunk.wire.length) return count
      from = 0
    }
    return count
  }

  /** How many records, of the first `limit`, can be processed before one that can't. */
  countGood(limit: number): number {
    let count = 0
    let from = this.#row
    for (const chunk of this.#chunks) {
      if (count >= limit) break
      this.#decode(chunk)
      const until = chunk.firstFailure(from, chunk.wire.length)
      count += until - from
      if (until < chunk.wire.length) break
      from = 0
    }
    return Math.min(count, limit)
  }

  /** How many records, of `limit` behind the first `skip`, have no more than `maxBytes` together, with `eachBytes` more for each; at least one. */
  countWithin(maxBytes: number, limit: number, eachBytes = 0, skip = 0): number {
    if (this.bytes + this.length * eachBytes <= maxBytes) return Math.min(limit, this.length - skip)
    let left = maxBytes
    let count = 0
    let from = this.#row + skip
    for (const chunk of this.#chunks) {
      for (let row = from; row < chunk.wire.length; row++) {
        if (count >= limit) return count
        left -= chunk.recordBytes(row) + eachBytes
        if (left < 0) return Math.max(1, count)
        count++
      }
      from = Math.max(0, from - chunk.wire.length)
    }
    return count
  }

  /** Serialised bytes of `count` records behind the first `skip`. */
  bytesOf(count: number, skip: number): number {
    let bytes = 0
    let left = count
    let from = this.#row + skip
    for (const chunk of this.#chunks) {
      for (let row = from; row < chunk.wire.length && left > 0; row++, left--) bytes += chunk.recordBytes(row)
      from = Math.max(0, from - chunk.wire.length)
    }
    return bytes
  }

  /** The first `count` records as a batch; they stay in the queue until `drop`. `streamTime` is the task's before them. */
  peek(count: number, trigger: BatchTrigger, streamTime: number): ColumnBatch<unknown, unknown> {
    this.#peeked?.end()
    const rows = new PeekedRows()
    this.#peeked = rows
    const offsets = new Float64Array(count)
    let timestamps: Float64Array | undefined
    let headers: Headers[] | undefined
    let at = 0
    let from = this.#row
    for (const chunk of this.#chunks) {
      if (at >= count) break
      this.#decode(chunk)
      const { wire } = chunk
      const to = Math.min(wire.length, from + count - at)
      rows.add(chunk, from, to)
      const own = chunk.timestamps.subarray(from, to)
      if (own.length === count) timestamps = own
      else (timestamps ??= new Float64Array(count)).set(own, at)
      for (let row = from; row < to; row++) offsets[at + row - from] = wire.offsets[row] as number
      for (let row = from; wire.headers !== undefined && row < to; row++) {
        const of = chunk.headers(row)
        if (of.length > 0) (headers ??= new Array<Headers>(count).fill([]))[at + row - from] = of
      }
      at += to - from
      from = 0
    }
    timestamps ??= new Float64Array(count)
    const { topic, partition } = this
    return new ColumnBatch({
      topic,
      partition,
      trigger,
      keys: rows.column('keys'),
      values: rows.column('values'),
      timestamps,
      headers,
      offsets,
      streamTimes: streamTimesOf(timestamps, streamTime),
    })
  }

  /** Decodes the first `count` records, as far as they are decoded before somebody asks for them. */
  decodeAhead(count: number): void {
    let left = count + this.#row
    for (const chunk of this.#chunks) {
      if (left <= 0) return
      this.#decode(chunk)
      left -= chunk.wire.length
    }
  }

  /** The first `count` records have been processed. */
  drop(count: number): void {
    this.#peeked?.end()
    const before = this.bytes
    this.length -= count
    let left = count
    while (left > 0) {
      const chunk = this.#chunks[0] as DecodedChunk
      const taken = Math.min(left, chunk.wire.length - this.#row)
      for (let row = this.#row; row < this.#row + taken; row++) {
        const timestamp = chunk.timestamps[row] as number
        if (timestamp > this.partitionTime) this.partitionTime = timestamp
      }
      this.bytes -= chunk.bytesBetween(this.#row, this.#row + taken)
      left -= taken
      this.#row += taken
      this.#nextOffset = (chunk.wire.offsets[this.#row - 1] as number) + 1
      if (this.#row === chunk.wire.length) {
        this.#chunks.shift()
        this.#row = 0
        chunk.wire.release()
      }
    }
    this.#buffer.remove(count, before - this.bytes)
    if (this.length > 0) this.#nextOffset = (this.#chunks[0] as DecodedChunk).wire.offsets[this.#row] as number
  }

  /** Hands back everything that waits; nothing more may be asked of the queue. */
  clear(): void {
    this.#peeked?.end()
    for (const chunk of this.#chunks) chunk.wire.release()
    this.#chunks.length = 0
    this.#row = 0
    this.#buffer.remove(this.length, this.bytes)
    this.length = 0
    this.bytes = 0
  }

  #head(): DecodedChunk {
    const chunk = this.#chunks[0] as DecodedChunk
    this.#decode(chunk)
    return chunk
  }

  #decode(chunk: DecodedChunk): void {
    if (chunk === this.#chunks[0] && this.#row === 0) this.#decodedTime = this.partitionTime
    this.#decodedTime = chunk.decode(this.source, this.#decodedTime)
  }
}

/** The highest timestamp so far at each record, where it was `streamTime` before: the timestamps themselves where they ascend, as they mostly do. */
function streamTimesOf(timestamps: Float64Array, streamTime: number): Float64Array {
  let time = streamTime
  for (let i = 0; i < timestamps.length; i++) {
    const timestamp = timestamps[i] as number
    if (timestamp < time) return runningMaximum(timestamps, streamTime)
    time = timestamp
  }
  return timestamps
}

function runningMaximum(timestamps: Float64Array, before: number): Float64Array {
  const times = new Float64Array(timestamps.length)
  let time = before
  for (let i = 0; i < times.length; i++) times[i] = time = Math.max(time, timestamps[i] as number)
  return times
}
