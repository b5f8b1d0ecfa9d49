import type { IsolationLevel, TopicPartition, WireBatch } from '@millrace/core'
import { fillSegment, rowByteLength, type SelectedRows } from './fill-segment.ts'
import { nextSegmentBytes, Segment } from './segment.ts'
import { SegmentBatch } from './segment-batch.ts'
import type { PartitionStorage } from './partition-storage.ts'
import type { Transaction } from './transaction.ts'

/** Told when a partition's end, as its reader sees it, may have moved. */
export interface EndListener {
  wake(): void
}

/** Where a partition is kept, and what was found there. */
export interface PartitionLogOptions {
  readonly storage?: PartitionStorage | undefined
  readonly segments?: readonly Segment[]
  readonly startOffset?: number
  readonly endOffset?: number
}

/** Where reading may go on: a row that can be read. */
interface Cursor {
  readonly segment: Segment
  readonly row: number
}

/**
 * One partition: segments of records, the open transactions in it, and who waits at its end. As in Kafka, the marker that ends a
 * transaction takes an offset of its own, so readers meet gaps.
 */
export class PartitionLog implements TopicPartition {
  readonly topic: string
  readonly partition: number
  readonly #segments: Segment[]
  readonly #storage: PartitionStorage | undefined
  /** Open transactions with records here, and the offset of the first. */
  readonly #open = new Map<Transaction, number>()
  readonly #listeners = new Set<EndListener>()
  #startOffset: number
  #endOffset: number

  constructor(at: TopicPartition, options: PartitionLogOptions = {}) {
    this.topic = at.topic
    this.partition = at.partition
    this.#storage = options.storage
    this.#segments = [...(options.segments ?? [])]
    this.#startOffset = options.startOffset ?? 0
    this.#endOffset = options.endOffset ?? 0
  }

  /** The first offset that can still be read. */
  get startOffset(): number {
    return this.#startOffset
  }

  /** The offset of the next record to be written. */
  get endOffset(): number {
    return this.#endOffset
  }

  /** Up to where (exclusive) a reader may read: its high watermark or, read-committed, the last stable offset. */
  readableEnd(isolation: IsolationLevel): number {
    if (isolation === 'read-uncommitted') return this.#endOffset
    let stable = this.#endOffset
    for (const first of this.#open.values()) if (first < stable) stable = first
    return stable
  }

  /** Appends records and wakes who waits for them. When the storage fails, what was appended before the failure stays. */
  append(selected: SelectedRows, transaction?: Transaction): void {
    let from = selected.from
    try {
      while (from < selected.to) from = this.#appendRun({ ...selected, from }, transaction)
    } finally {
      if (from > selected.from) this.wake()
    }
  }

  #appendRun(selected: SelectedRows, transaction: Transaction | undefined): number {
    const { batch, rows, from } = selected
    const segment = this.#writableSegment(rowByteLength(batch, rows === undefined ? from : (rows[from] as number)))
    const filled = fillSegment(segment, selected, this.#endOffset)
    this.#storage?.appendRecords(segment, filled, transaction?.id ?? 0)
    const firstOffset = this.#endOffset
    segment.count = filled.count
    segment.byteLength = filled.byteLength
    this.#endOffset += filled.stoppedAt - from
    if (transaction !== undefined) {
      if (!this.#open.has(transaction)) this.#open.set(transaction, firstOffset)
      transaction.wrote(this, firstOffset, this.#endOffset - 1)
    }
    return filled.stoppedAt
  }

  /** The segment to write to: the last, unless a record of `byteLength` does not fit any more. */
  #writableSegment(byteLength: number): Segment {
    const last = this.#segments.at(-1)
    if (last !== undefined && last.bytes.length - last.byteLength >= byteLength) return last
    const segment = new Segment(this.#endOffset, Math.max(nextSegmentBytes(last?.bytes.length ?? 0), byteLength))
    this.#segments.push(segment)
    return segment
  }

  /**
   * Ends a transaction here: its records become readable, or are hidden from read-committed readers for good. Of one whose records have
   * all been deleted nothing is left to end, so that it takes no marker: a log that is opened again does not know of it either.
   */
  finish(transaction: Transaction, outcome: 'committed' | 'aborted'): void {
    if (!this.#open.delete(transaction)) return
    if (transaction.runsIn(this).every(({ last }) => last < this.#startOffset)) return this.wake()
    if (outcome === 'aborted') {
      for (const { first, last } of transaction.runsIn(this)) this.#markAborted(first, last)
    }
    const markerOffset = this.#endOffset++
    try {
      this.#storage?.appendMarker(markerOffset, transaction.id, outcome)
    } finally {
      this.wake()
    }
  }

  #markAborted(first: number, last: number): void {
    for (let i = this.#segmentIndex(first); i < this.#segments.length; i++) {
      const segment = this.#segments[i] as Segment
      if (segment.baseOffset > last) return
      segment.markAborted(first, last)
    }
  }

  /** At most `maxRecords` consecutive records from `position` on, of one segment; nothing when there are none to be read. */
  read(position: number, maxRecords: number, isolation: IsolationLevel): WireBatch | undefined {
    const end = this.readableEnd(isolation)
    const cursor = this.#visibleFrom(position, end, isolation)
    if (cursor === undefined) return undefined
    const { segment, row } = cursor
    let to = Math.min(segment.count, row + maxRecords)
    if ((segment.offsets[to - 1] as number) >= end) to = segment.rowAt(end)
    if (isolation === 'read-committed' && segment.aborted !== undefined) {
      let visible = row + 1
      while (visible < to && !segment.isAborted(visible)) visible++
      to = visible
    }
    return new SegmentBatch({ topic: this.topic, partition: this.partition, endOffset: end }, segment, { from: row, to })
  }

  /** The offset of the first record at or after `position` that this reader may see; its readable end when there is none. */
  nextVisible(position: number, isolation: IsolationLevel): number {
    const end = this.readableEnd(isolation)
    const cursor = this.#visibleFrom(position, end, isolation)
    return cursor === undefined ? Math.max(position, end) : (cursor.segment.offsets[cursor.row] as number)
  }

  #visibleFrom(position: number, end: number, isolation: IsolationLevel): Cursor | undefined {
    if (position >= end) return undefined
    for (let i = this.#segmentIndex(position); i < this.#segments.length; i++) {
      const segment = this.#segments[i] as Segment
      let row = segment.rowAt(position)
      if (isolation === 'read-committed') while (row < segment.count && segment.isAborted(row)) row++
      if (row < segment.count) return (segment.offsets[row] as number) < end ? { segment, row } : undefined
    }
    return undefined
  }

  /** The index of the segment that holds `offset`, or would hold it. */
  #segmentIndex(offset: number): number {
    let low = 0
    let high = this.#segments.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#segments[middle] as Segment).baseOffset <= offset) low = middle + 1
      else high = middle
    }
    return Math.max(low - 1, 0)
  }

  /** The offset of the first record whose timestamp is at least `timestampMs`; the end when there is none. */
  offsetForTime(timestampMs: number): number {
    for (const segment of this.#segments) {
      for (let row = segment.rowAt(this.#startOffset); row < segment.count; row++) {
        if ((segment.timestamps[row] as number) >= timestampMs) return segment.offsets[row] as number
      }
    }
    return this.#endOffset
  }

  /** Makes everything below `offset` unreadable and gives back the segments that lie below it as wholes. */
  deleteBelow(offset: number): void {
    if (offset <= this.#startOffset) return
    this.#startOffset = offset
    while (this.#segments.length > 1 && (this.#segments[1] as Segment).baseOffset <= offset) this.#dropFirst()
    const only = this.#segments[0]
    // A segment that is mostly empty still is kept: giving it back at each purge would cost a fresh buffer each time.
    const emptied = this.#segments.length === 1 && only !== undefined && only.rowAt(offset) === only.count
    if (emptied && only.byteLength > only.bytes.length / 2) this.#dropFirst()
  }

  #dropFirst(): void {
    const dropped = this.#segments.shift()
    if (dropped !== undefined) this.#storage?.dropSegment(dropped)
  }

  addListener(listener: EndListener): void {
    this.#listeners.add(listener)
  }

  removeListener(listener: EndListener): void {
    this.#listeners.delete(listener)
  }

  wake(): void {
    for (const listener of this.#listeners) listener.wake()
  }
}
