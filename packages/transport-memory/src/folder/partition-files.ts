import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { MillraceError, type Logger, type TopicPartition } from '@millrace/core'
import type { FilledRows } from '../log/fill-segment.ts'
import type { PartitionStorage } from '../log/partition-storage.ts'
import type { Segment } from '../log/segment.ts'
import { AppendFile } from './append-file.ts'
import { encodeMarker, encodeRecords } from './record-frame.ts'

export interface PartitionFilesOptions {
  readonly at: TopicPartition
  readonly folder: string
  readonly logger: Logger
  /** Whether a file that has been filled is synced before it is left. */
  readonly syncFilled: boolean
  /** Called when a file has been written to since its last sync. */
  readonly onWrite: (files: PartitionFiles) => void
  /** Called when the end of a committed transaction could not be written down here. */
  readonly onMarkerFailed: (transactionId: number) => void
}

/** The name of the file for the segment that begins at an offset. */
function segmentFileName(baseOffset: number): string {
  return `${String(baseOffset).padStart(20, '0')}.log`
}

/** One partition's records: a file for each segment, named by its first offset. */
export class PartitionFiles implements PartitionStorage {
  readonly #options: PartitionFilesOptions
  #active: { readonly baseOffset: number; readonly file: AppendFile } | undefined
  #closed = false

  constructor(options: PartitionFilesOptions) {
    this.#options = options
  }

  appendRecords(segment: Segment, filled: FilledRows, transactionId: number): void {
    const { topic, partition } = this.#options.at
    try {
      this.#fileOf(segment.baseOffset).append(encodeRecords(segment, filled, transactionId))
    } catch (cause) {
      const message = `Records for ${topic}-${partition} could not be written to '${this.#options.folder}': ${String(cause)}.`
      throw new MillraceError('LOG_WRITE_FAILED', message, { stage: 'sink', retryable: true, topic, partition, cause })
    }
    this.#options.onWrite(this)
  }

  /** Never throws: the journal knows what was decided, and a marker that is missing is written when the folder is opened again. */
  appendMarker(offset: number, transactionId: number, outcome: 'committed' | 'aborted'): void {
    if (this.#closed) return
    try {
      const file = this.#active?.file ?? this.#fileOf(offset)
      file.append(encodeMarker({ transactionId, offset, outcome }))
      this.#options.onWrite(this)
    } catch (error) {
      const { at, logger, onMarkerFailed } = this.#options
      logger.warn({ ...at, transactionId, outcome, err: error }, 'The end of a transaction could not be written down')
      onMarkerFailed(transactionId)
    }
  }

  dropSegment({ baseOffset }: Segment): void {
    if (this.#active?.baseOffset === baseOffset) this.#closeActive()
    rmSync(this.pathOf(baseOffset), { force: true })
  }

  /** Goes on writing at the end of a segment's file, which is cut to `size` bytes first. */
  resume(baseOffset: number, size: number): void {
    this.#closeActive()
    this.#active = { baseOffset, file: new AppendFile(this.pathOf(baseOffset), size) }
  }

  #fileOf(baseOffset: number): AppendFile {
    if (this.#closed) throw new Error('the file has been closed')
    if (this.#active?.baseOffset !== baseOffset) {
      const file = new AppendFile(this.pathOf(baseOffset))
      if (this.#options.syncFilled) this.sync()
      this.#closeActive()
      this.#active = { baseOffset, file }
    }
    return this.#active.file
  }

  pathOf(baseOffset: number): string {
    return join(this.#options.folder, segmentFileName(baseOffset))
  }

  #closeActive(): void {
    this.#active?.file.close()
    this.#active = undefined
  }

  sync(): void {
    this.#active?.file.sync()
  }

  close(): void {
    this.#closed = true
    this.#closeActive()
  }
}
