import { codecOf, compressionOf, isLoaded } from '../compression/codecs.ts'
import type { Compression } from '../compression/codec.ts'
import { type AbortedTransaction, AbortedTransactions } from './aborted-transactions.ts'
import { BATCH, CONTROL, LEAST_RECORD_BYTES, LENGTH_ENDS, LOG_APPEND_TIME, TRANSACTIONAL } from './batch-header.ts'
import { ColumnBuilder } from './column-builder.ts'
import { crc32c } from './crc32c.ts'
import { decodeRecords, type RecordsFrame } from './decode-records.ts'
import { readInt64 } from './int64.ts'
import { MalformedBatchError } from './malformed-batch-error.ts'
import type { RecordColumns } from './record-columns.ts'

/** What of a fetch response is read, and how. */
export interface BatchReaderOptions {
  /** Records below are left out: brokers answer with whole batches. */
  readonly fromOffset: number
  /** Those of the response, for who reads only what is committed. Default: none, everything is read. */
  readonly aborted?: readonly AbortedTransaction[] | undefined
  /** Whether checksums are compared. Default: false. */
  readonly checkCrcs?: boolean | undefined
  /** How many bytes the records of a compressed batch may become. Default: 256 MiB. */
  readonly maxBatchBytes?: number | undefined
}

/** What whole batches say of themselves. */
export interface BatchExtent {
  /** Behind the last of them. */
  readonly endOffset: number
  /** By the first offset of a batch that is of another leader epoch than the one before it, beginning with the first. */
  readonly epochs: readonly { readonly from: number; readonly epoch: number }[]
}

const MAX_BATCH_BYTES = 256 * 1024 * 1024

interface Batch extends RecordsFrame {
  readonly start: number
  readonly end: number
  readonly attributes: number
  readonly producerId: number
}

/**
 * Reads the records that a fetch response holds for one partition, run by run: batches that are not compressed share columns over the bytes they arrived in, a
 * compressed one has its own. Control batches and aborted transactions are passed over, and so is what is cut off at the end.
 */
export class BatchReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #options: BatchReaderOptions
  readonly #aborted: AbortedTransactions
  readonly #limit: number
  #at = 0
  #nextOffset: number
  #error: MalformedBatchError | undefined

  constructor(bytes: Uint8Array, options: BatchReaderOptions) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#options = options
    this.#aborted = new AbortedTransactions(options.aborted ?? [])
    this.#limit = options.maxBatchBytes ?? MAX_BATCH_BYTES
    this.#nextOffset = options.fromOffset
  }

  /** Where to read on after everything that {@link read} has given. */
  get nextOffset(): number {
    return this.#nextOffset
  }

  /** How batches that are yet to be read are compressed, as far as the libraries for it are not loaded: {@link read} needs them. */
  missing(): ReadonlySet<Compression> {
    const missing = new Set<Compression>()
    const view = this.#view
    for (let at = this.#at; at + BATCH.records <= view.byteLength; at += LENGTH_ENDS + Math.max(0, view.getInt32(at + BATCH.length))) {
      const compression = compressionOf(view.getUint16(at + BATCH.attributes))
      if (compression !== undefined && !isLoaded(compression)) missing.add(compression)
    }
    return missing
  }

  /**
   * The whole batches that are yet to be read: what is behind the last of them, and where the leader epoch of a batch is another than that of the one before
   * it; undefined when there are none. Says nothing of whether they can be read.
   */
  extent(): BatchExtent | undefined {
    const view = this.#view
    let endOffset = -1
    const epochs: { from: number; epoch: number }[] = []
    for (let at = this.#at; at + BATCH.records <= view.byteLength;) {
      const next = at + LENGTH_ENDS + Math.max(0, view.getInt32(at + BATCH.length))
      if (next > view.byteLength) break
      const from = readInt64(view, at + BATCH.baseOffset)
      endOffset = from + view.getInt32(at + BATCH.lastOffsetDelta) + 1
      const epoch = view.getInt32(at + BATCH.leaderEpoch)
      if (epochs.at(-1)?.epoch !== epoch) epochs.push({ from, epoch })
      at = next
    }
    return epochs.length === 0 ? undefined : { endOffset, epochs }
  }

  /**
   * The next records, of whole batches until there are `atLeast`; undefined at the end. Throws a {@link MalformedBatchError} once everything before what is
   * wrong has been read, and from then on.
   */
  read(atLeast: number): RecordColumns | undefined {
    if (this.#error !== undefined) throw this.#error
    try {
      return this.#run(atLeast)
    } catch (error) {
      this.#error = error instanceof MalformedBatchError ? error : new MalformedBatchError(String(error), -1, error)
      throw this.#error
    }
  }

  #run(atLeast: number): RecordColumns | undefined {
    for (let batch = this.#peek(); batch !== undefined; batch = this.#peek()) {
      if (this.#isPassedOver(batch)) {
        this.#passed(batch)
        continue
      }
      const compression = compressionOf(batch.attributes) as Compression
      if (compression !== 'none') {
        const columns = this.#compressed(batch, compression)
        if (columns.length > 0) return columns
        continue
      }
      const columns = this.#uncompressed(atLeast)
      if (columns.length > 0) return columns
    }
    return undefined
  }

  #compressed(batch: Batch, compression: Exclude<Compression, 'none'>): RecordColumns {
    const bytes = this.#decompress(batch, compression)
    if (batch.count > bytes.length / LEAST_RECORD_BYTES) {
      throw new MalformedBatchError('a batch says that it has more records than bytes for them', batch.baseOffset)
    }
    const builder = new ColumnBuilder(bytes, batch.count)
    const problem = decodeRecords(builder, batch, { start: 0, end: bytes.length }, this.#options.fromOffset)
    if (problem !== undefined) throw new MalformedBatchError(problem, batch.baseOffset)
    this.#passed(batch)
    return builder.finish()
  }

  #decompress({ start, end, baseOffset }: Batch, compression: Exclude<Compression, 'none'>): Uint8Array {
    try {
      return codecOf(compression).decompress(this.#bytes.subarray(start + BATCH.records, end), this.#limit)
    } catch (error) {
      throw new MalformedBatchError(`its records can't be read as ${compression}: ${(error as Error).message}`, baseOffset, error)
    }
  }

  /** The next batches that are not compressed, counted first so that their columns are allocated once. */
  #uncompressed(atLeast: number): RecordColumns {
    const batches: Batch[] = []
    let records = 0
    const begin = this.#at
    let problem: MalformedBatchError | undefined
    try {
      for (let batch = this.#peek(); batch !== undefined && records < atLeast; batch = this.#peek()) {
        const isPassedOver = this.#isPassedOver(batch)
        if (!isPassedOver && compressionOf(batch.attributes) !== 'none') break
        batches.push(isPassedOver ? { ...batch, count: -1 } : batch)
        if (!isPassedOver) records += batch.count
        this.#at = batch.end
      }
    } catch (error) {
      problem = error as MalformedBatchError
    }
    this.#at = begin
    const builder = new ColumnBuilder(this.#bytes, records)
    for (const batch of batches) {
      const { length } = builder
      if (batch.count >= 0) {
        const range = { start: batch.start + BATCH.records, end: batch.end }
        const wrong = decodeRecords(builder, batch, range, this.#options.fromOffset)
        if (wrong !== undefined) {
          builder.truncate(length)
          problem = new MalformedBatchError(wrong, batch.baseOffset)
          break
        }
      }
      this.#passed(batch)
    }
    if (problem !== undefined) {
      if (builder.length === 0) throw problem
      this.#error = problem
    }
    return builder.finish()
  }

  #passed({ end, lastOffset }: Batch): void {
    this.#at = end
    this.#nextOffset = Math.max(this.#nextOffset, lastOffset + 1)
  }

  /** Control batches, and those of aborted transactions. Each is met here, in order, and may be more than once. */
  #isPassedOver({ start, end, attributes, producerId, lastOffset }: Batch): boolean {
    const isControl = (attributes & CONTROL) !== 0
    if (this.#options.aborted === undefined) return isControl
    this.#aborted.meet(lastOffset)
    if (!isControl) return (attributes & TRANSACTIONAL) !== 0 && this.#aborted.has(producerId)
    if (isAbortMarker(this.#bytes, start + BATCH.records, end)) this.#aborted.end(producerId)
    return true
  }

  /** The batch here, checked but for its records; undefined at the end, and where the rest is cut off. */
  #peek(): Batch | undefined {
    const start = this.#at
    const view = this.#view
    if (start + LENGTH_ENDS > view.byteLength) return undefined
    const baseOffset = readInt64(view, start + BATCH.baseOffset)
    const length = view.getInt32(start + BATCH.length)
    const end = start + LENGTH_ENDS + length
    if (length < BATCH.magic + 1 - LENGTH_ENDS) throw new MalformedBatchError(`a batch says that it is ${length} bytes long`, baseOffset)
    if (end > view.byteLength) return undefined
    const magic = view.getInt8(start + BATCH.magic)
    if (magic !== 2)
      throw new MalformedBatchError(`it is of message format ${magic}, and only 2 (Kafka 0.11 and newer) can be read`, baseOffset)
    if (length < BATCH.records - LENGTH_ENDS) throw new MalformedBatchError(`a batch says that it is ${length} bytes long`, baseOffset)
    return this.#checked({ start, end }, baseOffset)
  }

  #checked({ start, end }: { readonly start: number; readonly end: number }, baseOffset: number): Batch {
    const view = this.#view
    if (this.#options.checkCrcs === true && crc32c(this.#bytes, start + BATCH.attributes, end) !== view.getUint32(start + BATCH.crc)) {
      throw new MalformedBatchError('its checksum is wrong', baseOffset)
    }
    const attributes = view.getUint16(start + BATCH.attributes)
    if (compressionOf(attributes) === undefined) throw new MalformedBatchError('it is compressed in a way that is not known', baseOffset)
    const lastOffsetDelta = view.getInt32(start + BATCH.lastOffsetDelta)
    const count = view.getInt32(start + BATCH.recordCount)
    const isCompressed = compressionOf(attributes) !== 'none'
    const most = isCompressed ? this.#limit / LEAST_RECORD_BYTES : (end - start - BATCH.records) / LEAST_RECORD_BYTES
    if (count < 0 || count > most || lastOffsetDelta < 0 || baseOffset < 0) {
      throw new MalformedBatchError(`a batch says that it has ${count} records up to ${lastOffsetDelta} behind its first`, baseOffset)
    }
    return {
      start,
      end,
      attributes,
      baseOffset,
      lastOffset: baseOffset + lastOffsetDelta,
      baseTimestamp: readInt64(view, start + BATCH.baseTimestamp),
      appendTimestamp: (attributes & LOG_APPEND_TIME) === 0 ? undefined : readInt64(view, start + BATCH.maxTimestamp),
      producerId: readInt64(view, start + BATCH.producerId),
      count,
    }
  }
}

/** The key of a marker is its version and its type, of two bytes each, behind five bytes: lengths, attributes and deltas of one byte each. */
function isAbortMarker(bytes: Uint8Array, at: number, end: number): boolean {
  const key = at + 5
  return key + 4 <= end && bytes[key + 2] === 0 && bytes[key + 3] === 0
}
