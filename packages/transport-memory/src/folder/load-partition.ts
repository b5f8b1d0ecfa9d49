import { readdirSync, readFileSync } from 'node:fs'
import type { Logger, TopicPartition } from '@millrace/core'
import type { RestoredPartition } from '../log/log-storage.ts'
import { nextSegmentBytes, Segment } from '../log/segment.ts'
import { folderError } from './folder-error.ts'
import { scanFrames, type FrameScan } from './frame.ts'
import type { PartitionFiles } from './partition-files.ts'
import { decodeFrame, loadRecords, type MarkerFrame, type RecordsFrame } from './record-frame.ts'

const SEGMENT_FILE = /^(\d{20})\.log$/

export interface LoadPartitionOptions {
  readonly at: TopicPartition
  readonly folder: string
  readonly files: PartitionFiles
  /** What the journal says of its offsets; `endOffset` is a lower bound. */
  readonly bounds: { readonly startOffset: number; readonly endOffset: number }
  /** Transactions that were committed, whether this partition knows it or not. */
  readonly decided: ReadonlySet<number>
  readonly logger: Logger
}

export interface LoadedPartition extends RestoredPartition {
  readonly lastTransactionId: number
  /** Files that hold nothing any more, to be removed when the journal has the partition's offsets. */
  readonly obsoleteFiles: readonly string[]
}

interface Run {
  readonly first: number
  readonly last: number
}

/** Reads a partition's files into segments and ends the transactions that its process did not live to end. */
export function loadPartition(options: LoadPartitionOptions): LoadedPartition {
  const loading = new LoadingPartition(options)
  const offsets = baseOffsets(options.folder)
  offsets.forEach((baseOffset, i) => loading.read(baseOffset, i === offsets.length - 1))
  return loading.finish()
}

function baseOffsets(folder: string): readonly number[] {
  return readdirSync(folder)
    .map((name) => SEGMENT_FILE.exec(name))
    .filter((match) => match !== null)
    .map((match) => Number(match[1]))
    .toSorted((a, b) => a - b)
}

class LoadingPartition {
  readonly #options: LoadPartitionOptions
  readonly #segments: Segment[] = []
  readonly #open = new Map<number, Run[]>()
  readonly #obsoleteFiles: string[] = []
  #endOffset: number
  #lastTransactionId = 0

  constructor(options: LoadPartitionOptions) {
    this.#options = options
    this.#endOffset = options.bounds.endOffset
  }

  read(baseOffset: number, isLast: boolean): void {
    const path = this.#options.files.pathOf(baseOffset)
    const bytes = readFileSync(path)
    const scan = scanFrames(bytes)
    this.#checkDamage(path, scan, { isLast, cutBytes: bytes.length - scan.wholeBytes })
    const frames = scan.payloads.map(decodeFrame)
    const segment = this.#segmentFor(baseOffset, frames, isLast)
    for (const frame of frames) {
      this.#lastTransactionId = Math.max(this.#lastTransactionId, frame.transactionId)
      if (frame.type === 'marker') this.#end(frame)
      else this.#load(segment, frame)
    }
    // Emptied by a deletion that the process did not live to finish, or nothing but markers.
    const isOver = segment.rowAt(this.#options.bounds.startOffset) === segment.count
    if (isOver && (!isLast || segment.count === 0)) {
      this.#segments.pop()
      this.#obsoleteFiles.push(path)
    } else if (isLast) {
      this.#options.files.resume(baseOffset, scan.wholeBytes)
    }
  }

  /** The last segment goes on growing; the others are as large as what they hold. */
  #segmentFor(baseOffset: number, frames: readonly (MarkerFrame | RecordsFrame)[], isLast: boolean): Segment {
    const byteLength = frames.reduce((sum, frame) => sum + (frame.type === 'records' ? frame.byteLength : 0), 0)
    const segment = new Segment(baseOffset, isLast ? Math.max(nextSegmentBytes(byteLength), byteLength) : byteLength)
    this.#segments.push(segment)
    return segment
  }

  #checkDamage(path: string, { rest, wholeBytes }: FrameScan, at: { readonly isLast: boolean; readonly cutBytes: number }): void {
    if (rest === 'nothing') return
    if (rest === 'corrupt' || !at.isLast) {
      throw folderError('LOG_CORRUPT', `'${path}' is damaged at byte ${wholeBytes}: restore the folder from a copy, or choose another.`)
    }
    this.#options.logger.warn(
      { path, keptBytes: wholeBytes, cutBytes: at.cutBytes },
      'Cut off what a killed process had not finished writing',
    )
  }

  #load(segment: Segment, frame: RecordsFrame): void {
    loadRecords(segment, frame)
    const last = frame.firstOffset + frame.count - 1
    this.#endOffset = Math.max(this.#endOffset, last + 1)
    if (frame.transactionId === 0 || last < this.#options.bounds.startOffset) return
    const runs = this.#open.get(frame.transactionId) ?? []
    runs.push({ first: frame.firstOffset, last })
    this.#open.set(frame.transactionId, runs)
  }

  #end({ transactionId, offset, outcome }: Omit<MarkerFrame, 'type'>): void {
    this.#endOffset = Math.max(this.#endOffset, offset + 1)
    if (outcome === 'aborted') {
      for (const { first, last } of this.#open.get(transactionId) ?? []) {
        for (const segment of this.#segments) segment.markAborted(first, last)
      }
    }
    this.#open.delete(transactionId)
  }

  finish(): LoadedPartition {
    const { files, bounds, decided } = this.#options
    for (const transactionId of [...this.#open.keys()]) {
      const marker = { transactionId, offset: this.#endOffset, outcome: decided.has(transactionId) ? 'committed' : 'aborted' } as const
      this.#end(marker)
      files.appendMarker(marker.offset, transactionId, marker.outcome)
    }
    return {
      storage: files,
      segments: this.#segments,
      startOffset: bounds.startOffset,
      endOffset: Math.max(this.#endOffset, bounds.startOffset),
      lastTransactionId: this.#lastTransactionId,
      obsoleteFiles: this.#obsoleteFiles,
    }
  }
}
