import { byteLengthAt, columnByteLength, headerBytes, type OffsetCommit, sliceColumn, sliceNumbers, type WriteBatch } from '@millrace/core'
import type {
  GroupMetadata,
  PackedWriter,
  PositionCommit,
  RecordDelivery,
  TopicLookup,
  WriteColumns,
  WriteFailed,
} from '@millrace/kafka-packed'
import { ClientError } from '../client/client-error.ts'
import type {
  ConsumerClient,
  DeliveryFailure,
  DeliveryReport,
  ProducerClient,
  QueuedRows,
  ReportRow,
  RowRange,
} from '../client/kafka-client.ts'
import { PackedConsumer } from './packed-consumer.ts'
import { toClientError, translated } from './to-client-error.ts'

/** As the error of a broker that takes no message of this size. */
const TOO_LARGE = 10
/** What a record counts for, beside its key, value and headers. */
const RECORD_BYTES = 16

export interface PackedProducerParts {
  readonly writer: PackedWriter
  readonly lookup: TopicLookup
  /** Larger records are refused here: how large they are compressed, which is what brokers look at, is known too late to tell who wrote them. */
  readonly maxRecordBytes: number
  /** So many bytes of a batch are handed over at once, and a record: between two times the writer waits for room. */
  readonly portionBytes: number
  /** How long a transaction that is to take offsets waits for a rebalance, in milliseconds: it does not live long. */
  readonly rebalancePatienceMs: number
}

/** Writes through the packed client. */
export class PackedProducer implements ProducerClient {
  readonly #writer: PackedWriter
  readonly #lookup: TopicLookup
  readonly #maxRecordBytes: number
  readonly #portionBytes: number
  readonly #rebalancePatienceMs: number
  #onFailure: (failure: DeliveryFailure) => void = () => {}
  #flushing: Promise<void> | undefined
  /** Written since the flush began that is under way. */
  #isDirty = false
  /** Something was written of which nobody is told record by record. */
  #isUnreported = false

  constructor({ writer, lookup, maxRecordBytes, portionBytes, rebalancePatienceMs }: PackedProducerParts) {
    this.#writer = writer
    this.#lookup = lookup
    this.#maxRecordBytes = maxRecordBytes
    this.#portionBytes = portionBytes
    this.#rebalancePatienceMs = rebalancePatienceMs
  }

  listen(onFailure: (failure: DeliveryFailure) => void): void {
    this.#onFailure = onFailure
  }

  /** Waits while much is on its way: it takes all, up to a row that is refused. */
  async produce(batch: WriteBatch, from: number, to: number): Promise<number> {
    this.#isUnreported = true
    for (let next = from; next < to;) {
      const end = this.#portionEnd(batch, next, to)
      if (end === next) {
        this.#onFailure({ topic: batch.topic, partition: batch.partitions?.[next] ?? -1, error: this.#tooLarge(batch, next) })
        return next + 1
      }
      await this.#write(rows(batch, next, end))
      next = end
    }
    return to
  }

  async #write(columns: WriteColumns): Promise<void> {
    this.#isDirty = true
    await translated(this.#writer.write(columns))
    // A flush that began while this was not accepted yet does not wait for it.
    this.#isDirty = true
  }

  /** Before the first row that is too large: `from`, if that is. */
  #portionEnd(batch: WriteBatch, from: number, to: number): number {
    // As a rule all of them together are not, and are one portion.
    const bytes = batch.headers === undefined ? bytesOf(batch, from, to) : Infinity
    if (bytes <= this.#maxRecordBytes && bytes + RECORD_BYTES * (to - from) <= this.#portionBytes) return to
    let end = from
    for (let portion = 0; end < to && portion < this.#portionBytes; end++) {
      const size = recordBytes(batch, end)
      if (size > this.#maxRecordBytes) break
      portion += size + RECORD_BYTES
    }
    return end
  }

  #tooLarge(batch: WriteBatch, row: number): ClientError {
    const message = `a record of ${recordBytes(batch, row)} bytes is larger than message.max.bytes, ${this.#maxRecordBytes}`
    return new ClientError(message, { kind: 'record-too-large', code: TOO_LARGE })
  }

  async produceReported(batch: WriteBatch, { from, to }: RowRange, report: ReportRow): Promise<QueuedRows> {
    for (let next = from; next < to;) {
      const first = next
      const end = this.#portionEnd(batch, first, to)
      if (end === first) return { queued: first, error: this.#tooLarge(batch, first) }
      const onDelivered = (row: number, delivery: RecordDelivery): void => report(first + row, reportOf(delivery))
      try {
        await this.#write({ ...rows(batch, first, end), onDelivered })
      } catch (error) {
        return { queued: first, refused: end, error }
      }
      next = end
    }
    return { queued: to }
  }

  async flush(timeoutMs: number): Promise<boolean> {
    const until = performance.now() + timeoutMs
    for (;;) {
      const joined = this.#flushing
      if (joined === undefined) this.#isDirty = false
      this.#flushing ??= this.#flush()
      if (!(await isSettledWithin(until - performance.now(), this.#flushing))) return false
      // One that began by this call, or behind it, is enough, whatever others write meanwhile.
      if (joined === undefined || !this.#isDirty) return true
    }
  }

  async #flush(): Promise<void> {
    try {
      this.#tell(await translated(this.#writer.flush()))
    } finally {
      this.#flushing = undefined
    }
  }

  /** Of each record, unless each was reported. */
  #tell(failures: readonly WriteFailed[]): void {
    if (!this.#isUnreported) return
    for (const { topic, partition, records, error: refused } of failures) {
      const error = toClientError(refused) as ClientError
      for (let record = 0; record < records; record++) this.#onFailure({ topic, partition, error })
    }
  }

  begin(): Promise<void> {
    return translated(Promise.resolve().then(() => this.#writer.begin()))
  }

  async sendOffsets(offsets: readonly OffsetCommit[], consumer: ConsumerClient): Promise<void> {
    if (!(consumer instanceof PackedConsumer)) throw new TypeError('Offsets of another Kafka client can take no part in this transaction.')
    const send = (place: GroupMetadata, positions: readonly PositionCommit[]): Promise<void> => this.#writer.sendOffsets(positions, place)
    await translated(consumer.inPlace(offsets, send, this.#rebalancePatienceMs))
  }

  commit(): Promise<void> {
    return translated(this.#writer.commit())
  }

  async abort(timeoutMs?: number): Promise<void> {
    const aborted = translated(this.#writer.abort())
    if (timeoutMs === undefined) return aborted
    if (!(await isSettledWithin(timeoutMs, aborted))) throw new ClientError('no answer to: abort', { kind: 'no-answer', code: 0 })
  }

  async existing(topics: readonly string[]): Promise<ReadonlySet<string>> {
    return new Set(await translated(this.#lookup.existing(topics)))
  }

  close(): Promise<void> {
    this.#tell(this.#writer.abandon())
    this.#lookup.close()
    return Promise.resolve()
  }
}

/** Without their headers. */
function bytesOf({ keys, values }: WriteBatch, from: number, to: number): number {
  return columnByteLength(keys, from, to) + columnByteLength(values, from, to)
}

function recordBytes({ keys, values, headers }: WriteBatch, row: number): number {
  const ofHeaders = headers === undefined ? 0 : headerBytes(headers[row])
  return byteLengthAt(keys, row) + byteLengthAt(values, row) + ofHeaders
}

function reportOf(delivery: RecordDelivery): DeliveryReport {
  if (delivery.error === undefined) return delivery
  return { partition: delivery.partition, error: toClientError(delivery.error) as ClientError }
}

function rows(batch: WriteBatch, from: number, to: number): WriteBatch {
  if (from === 0 && to === batch.length) return batch
  const { topic, keys, values, timestamps, headers, partitions } = batch
  return {
    topic,
    length: to - from,
    keys: sliceColumn(keys, from, to),
    values: sliceColumn(values, from, to),
    timestamps: sliceNumbers(timestamps, from, to),
    headers: headers?.slice(from, to),
    partitions: partitions && sliceNumbers(partitions, from, to),
  }
}

/** False: not yet. Rejects as the promise does. */
async function isSettledWithin(ms: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, ms), false)
  })
  const settled = promise.then(() => true)
  try {
    return await Promise.race([settled, late])
  } finally {
    clearTimeout(timer)
    // Nobody may be left to hear it.
    settled.catch(() => undefined)
  }
}
