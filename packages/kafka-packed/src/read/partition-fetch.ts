import { partitionKey } from '@millrace/core'
import type { PackedError } from '../errors/packed-error.ts'
import type { BatchReader } from '../records/batch-reader.ts'
import type { BatchExtent } from '../records/batch-reader.ts'
import { type RecordColumns, sliceRecords } from '../records/record-columns.ts'
import type { PartitionAnswer } from '../wire/fetch.ts'
import { EpochHistory } from './epoch-history.ts'
import type { ReadPosition } from './read-position.ts'

/** What was fetched at once and waits to be polled. */
interface Chunk {
  readonly reader: BatchReader
  readonly bytes: number
}

/** One partition that is read: where it stands, what waits of it, and where it is read from. */
export class PartitionFetch {
  readonly topic: string
  readonly partition: number
  readonly key: string
  /** Answers to requests of an earlier one are of no use: it was sought since, or what waited was dropped. */
  generation = 0
  isPaused = false
  /** It was given a new place: what was asked before it, and waits for records of others, does not keep it waiting. */
  isUrgent = true
  /** A request of this generation is under way. */
  isInFlight = false
  /** Not fetched again before, on the monotonic clock. */
  notBefore = -Infinity
  failures = 0
  /** Answers in a row that could not be read. */
  malformedAnswers = 0
  /** Stands still until it is sought. */
  error: PackedError | undefined
  isErrorTold = false
  /** The replica to read from rather than the leader, and until when, on the monotonic clock. */
  replica: { readonly node: number; readonly until: number } | undefined
  /** The broker that was asked last; -1: none yet. */
  node = -1
  /** Of the topic as it is read; undefined: nothing was read yet, or the brokers give topics none. */
  topicId: string | undefined
  /** Since when there has been no such topic, on the monotonic clock. */
  missingSince: number | undefined
  /** First offset not asked for yet. */
  fetchOffset: number
  /** Of the next record to be written, as this reader may see it; -1: not known. */
  end = -1
  /** First offset that is still there; -1: not known. */
  begin = -1
  #position: number
  readonly #epochs = new EpochHistory()
  #toldEnd = -1
  #bytes = 0
  readonly #chunks: Chunk[] = []
  #rest: RecordColumns | undefined

  constructor({ topic, partition, offset, leaderEpoch = -1 }: ReadPosition) {
    this.topic = topic
    this.partition = partition
    this.key = partitionKey(topic, partition)
    this.fetchOffset = this.#position = offset
    this.#epochs.begin(offset, leaderEpoch)
  }

  /** Of the next record to be polled. */
  get position(): number {
    return this.#position
  }

  /** Of the record before an offset, as it was read; -1: not known. */
  epochBefore(offset: number): number {
    return this.#epochs.before(offset)
  }

  /** From where on a log that has this end of an epoch, the last that it has of those up to the one asked for, differs from what was read. */
  partsAt({ epoch, endOffset }: NonNullable<PartitionAnswer['diverging']>): number {
    return Math.min(endOffset, this.#epochs.beyond(epoch) ?? Infinity)
  }

  /** Bytes that wait to be polled. */
  get bufferedBytes(): number {
    return this.#bytes
  }

  get hasRecords(): boolean {
    return this.#rest !== undefined || this.#chunks.length > 0
  }

  seek(offset: number, leaderEpoch = -1): void {
    this.#position = offset
    this.#epochs.begin(offset, leaderEpoch)
    this.#toldEnd = -1
    this.topicId = this.missingSince = undefined
    // Known when the next answer is there: what was told of it before may be long past.
    this.end = this.begin = -1
    this.isUrgent = true
    this.error = undefined
    this.isErrorTold = false
    this.failures = this.malformedAnswers = 0
    this.notBefore = -Infinity
    this.drop()
  }

  /** Drops what waits: fetching begins again where polling stands, and what is under way is of no use. */
  drop(): void {
    this.generation++
    this.isInFlight = false
    this.#chunks.length = 0
    this.#rest = undefined
    this.#bytes = 0
    this.fetchOffset = this.#position
    this.#epochs.cut(this.#position)
  }

  /** Takes what was fetched at {@link fetchOffset}. */
  push(reader: BatchReader, { endOffset, epochs }: BatchExtent, bytes: number): void {
    this.#chunks.push({ reader, bytes })
    this.#bytes += bytes
    this.fetchOffset = Math.max(this.fetchOffset, endOffset)
    this.#epochs.add(epochs)
  }

  /** What the answer says of the partition's bounds. */
  bounds(answer: PartitionAnswer, isCommitted: boolean): void {
    this.begin = answer.logStartOffset
    this.end = isCommitted && answer.lastStableOffset >= 0 ? answer.lastStableOffset : answer.highWatermark
  }

  /** Up to `most` records of what waits; undefined when there are none. Throws what the {@link BatchReader} throws. */
  take(most: number): RecordColumns | undefined {
    for (;;) {
      const columns = this.#rest ?? this.#chunks[0]?.reader.read(most)
      if (columns !== undefined) return this.#hand(columns, most)
      const done = this.#chunks.shift()
      if (done === undefined) return undefined
      this.#bytes -= done.bytes
      this.#passed(done.reader)
    }
  }

  /** The end, if everything below it was polled and it was not told before. */
  takeEnd(): number | undefined {
    const isThere =
      this.error === undefined && this.end >= 0 && !this.hasRecords && this.#position >= this.end && this.#toldEnd !== this.#position
    if (!isThere) return undefined
    this.#toldEnd = this.#position
    return this.#position
  }

  #hand(columns: RecordColumns, most: number): RecordColumns {
    const length = Math.min(columns.length, most)
    this.#rest = length < columns.length ? sliceRecords(columns, length, columns.length) : undefined
    const reader = this.#chunks[0]?.reader
    if (this.#rest === undefined && reader !== undefined) this.#passed(reader)
    else this.#position = (columns.offsets[length - 1] as number) + 1
    return sliceRecords(columns, 0, length)
  }

  #passed({ nextOffset }: BatchReader): void {
    this.#position = Math.max(this.#position, nextOffset)
  }
}
