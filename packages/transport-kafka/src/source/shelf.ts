import { columnByteLength, type PollResult, sliceColumn, sliceNumbers, type TopicPartition, type WireBatch } from '@millrace/core'
import type { Fetched } from '../client/kafka-client.ts'
import { progressed, type ReadPartition, type ReadPartitions } from './read-partition.ts'

interface Shelved {
  readonly read: ReadPartition
  readonly batch: WireBatch
}

/** What has been fetched and not handed out. Keeps the order of arrival, so that a full partition does not starve others. */
export class Shelf {
  readonly #partitions: ReadPartitions
  #shelved: Shelved[] = []

  constructor(partitions: ReadPartitions) {
    this.#partitions = partitions
  }

  /** Whether there is something to hand out. */
  get hasAny(): boolean {
    for (const { read } of this.#shelved) if (!read.paused) return true
    for (const read of this.#partitions) if (read.end >= 0 && !read.paused) return true
    return false
  }

  /** What waits for paused partitions to be resumed. */
  paused(): { readonly records: number; readonly bytes: number } {
    let records = 0
    let bytes = 0
    for (const { read, batch } of this.#shelved) {
      if (!read.paused) continue
      records += batch.length
      bytes += columnByteLength(batch.keys) + columnByteLength(batch.values)
    }
    return { records, bytes }
  }

  file({ batches, ends }: Fetched): void {
    for (const batch of batches) this.#file(batch)
    for (const end of ends) {
      const read = this.#partitions.get(end)
      if (read === undefined || read.leaving || end.offset < read.position) continue
      // Hidden records, of transactions, may lie between the last one seen and the end.
      read.position = end.offset
      read.atEnd = true
      read.unsure = false
      if (end.offset !== read.toldEnd) read.end = end.offset
    }
  }

  #file(batch: WireBatch): void {
    const read = this.#partitions.get(batch)
    if (read === undefined || read.leaving || read.position < 0) {
      batch.release()
      return
    }
    // What the client gives again was handed out already.
    const fresh = from(batch, read.position)
    if (fresh === undefined) return
    read.position = (fresh.offsets[fresh.length - 1] as number) + 1
    read.atEnd = false
    read.unsure = false
    read.end = -1
    read.shelved += fresh.length
    progressed(read)
    this.#shelved.push({ read, batch: fresh })
  }

  /** At most `maxRecords`: whole batches, the first in any case. */
  take(maxRecords: number): PollResult {
    const batches: WireBatch[] = []
    const kept: Shelved[] = []
    let records = 0
    let full = false
    for (const one of this.#shelved) {
      const { read, batch } = one
      full ||= batches.length > 0 && records + batch.length > maxRecords
      if (read.paused || full) {
        kept.push(one)
        continue
      }
      batches.push(batch)
      records += batch.length
      read.shelved -= batch.length
    }
    this.#shelved = kept
    return { batches, ends: this.#takeEnds() }
  }

  #takeEnds(): PollResult['ends'] {
    const ends: { topic: string; partition: number; offset: number }[] = []
    for (const read of this.#partitions) {
      if (read.end < 0 || read.paused || read.shelved > 0) continue
      ends.push({ topic: read.topic, partition: read.partition, offset: read.end })
      read.toldEnd = read.end
      read.end = -1
    }
    return ends
  }

  drop(partitions: readonly TopicPartition[]): void {
    for (const at of partitions) {
      const read = this.#partitions.get(at)
      if (read === undefined) continue
      read.end = -1
      if (read.shelved === 0) continue
      read.shelved = 0
      for (const one of this.#shelved) if (one.read === read) one.batch.release()
      this.#shelved = this.#shelved.filter((one) => one.read !== read)
    }
  }
}

/** The records from `offset` on; undefined, and released, if there are none. */
function from(batch: WireBatch, offset: number): WireBatch | undefined {
  const { offsets, length } = batch
  let first = 0
  while (first < length && (offsets[first] as number) < offset) first++
  if (first === 0) return batch
  if (first === length) {
    batch.release()
    return undefined
  }
  return {
    topic: batch.topic,
    partition: batch.partition,
    length: length - first,
    keys: sliceColumn(batch.keys, first, length),
    values: sliceColumn(batch.values, first, length),
    timestamps: sliceNumbers(batch.timestamps, first, length),
    offsets: sliceNumbers(offsets, first, length),
    headers: batch.headers?.slice(first),
    endOffset: batch.endOffset,
    release: () => batch.release(),
  }
}
