import {
  partitionKey,
  type IsolationLevel,
  type StartPosition,
  type TopicPartition,
  type TopicPartitionOffset,
  type WireBatch,
} from '@millrace/core'
import { offsetOutOfRange, unknownTopic } from '../internal/errors.ts'
import type { PartitionLog, EndListener } from '../log/partition-log.ts'
import type { TopicRegistry } from '../log/topic-registry.ts'

interface Reading {
  readonly log: PartitionLog
  position: number
  paused: boolean
  /** The end last told; the same end is told once. */
  toldEnd: number
}

export interface ReadResult {
  readonly batches: WireBatch[]
  readonly ends: TopicPartitionOffset[]
}

/** The partitions a source reads, and where it is in each. */
export class PartitionReader {
  readonly #topics: TopicRegistry
  readonly #isolation: IsolationLevel
  readonly #listener: EndListener
  readonly #readings = new Map<string, Reading>()

  constructor(topics: TopicRegistry, isolation: IsolationLevel, listener: EndListener) {
    this.#topics = topics
    this.#isolation = isolation
    this.#listener = listener
  }

  partitions(): readonly TopicPartition[] {
    return Array.from(this.#readings.values(), ({ log }) => ({ topic: log.topic, partition: log.partition }))
  }

  add(positions: readonly StartPosition[]): void {
    for (const { topic, partition, offset, paused } of positions) {
      const log = this.#topics.requirePartition({ topic, partition }, 'source')
      this.#readings.set(partitionKey(topic, partition), { log, position: offset, paused: paused ?? false, toldEnd: -1 })
      log.addListener(this.#listener)
    }
    this.#listener.wake()
  }

  remove(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) {
      const key = partitionKey(topic, partition)
      this.#readings.get(key)?.log.removeListener(this.#listener)
      this.#readings.delete(key)
    }
  }

  clear(): void {
    this.remove(this.partitions())
  }

  /** Moves to these positions; returns the partitions that are not read here. */
  seek(positions: readonly TopicPartitionOffset[]): readonly TopicPartition[] {
    const missing: TopicPartition[] = []
    for (const { topic, partition, offset } of positions) {
      const reading = this.#readings.get(partitionKey(topic, partition))
      if (reading === undefined) {
        missing.push({ topic, partition })
        continue
      }
      reading.position = offset
      reading.toldEnd = -1
    }
    this.#listener.wake()
    return missing
  }

  setPaused(partitions: readonly TopicPartition[], paused: boolean): void {
    for (const { topic, partition } of partitions) {
      const reading = this.#readings.get(partitionKey(topic, partition))
      if (reading !== undefined) reading.paused = paused
    }
    if (!paused) this.#listener.wake()
  }

  /** What can be read now, at most `maxRecords`. Each call begins with another partition, so that a full one does not starve the rest. */
  collect(maxRecords: number): ReadResult {
    // First of all, so that nothing has been read that an error would drop.
    for (const reading of this.#readings.values()) if (!reading.paused) this.#checkRange(reading)
    const result: ReadResult = { batches: [], ends: [] }
    let left = maxRecords
    let first: [string, Reading] | undefined
    for (const entry of this.#readings) {
      const reading = entry[1]
      if (reading.paused) continue
      if (left > 0) {
        const taken = this.#readInto(result.batches, reading, left)
        if (taken > 0) first ??= entry
        left -= taken
      }
      this.#tellEnd(result.ends, reading)
    }
    if (first !== undefined) this.#moveToBack(first)
    return result
  }

  #readInto(batches: WireBatch[], reading: Reading, maxRecords: number): number {
    let taken = 0
    while (taken < maxRecords) {
      const batch = reading.log.read(reading.position, maxRecords - taken, this.#isolation)
      if (batch === undefined) break
      batches.push(batch)
      taken += batch.length
      reading.position = (batch.offsets[batch.length - 1] as number) + 1
    }
    return taken
  }

  #tellEnd(ends: TopicPartitionOffset[], reading: Reading): void {
    const { log } = reading
    // Markers and hidden records between here and the end have nothing to be read.
    reading.position = log.nextVisible(reading.position, this.#isolation)
    if (reading.position === reading.toldEnd || reading.position < log.readableEnd(this.#isolation)) return
    reading.toldEnd = reading.position
    ends.push({ topic: log.topic, partition: log.partition, offset: reading.position })
  }

  #checkRange({ log, position }: Reading): void {
    if (!this.#topics.holds(log)) throw unknownTopic('source', log.topic)
    if (position < log.startOffset || position > log.endOffset) {
      throw offsetOutOfRange({ topic: log.topic, partition: log.partition, offset: position }, log.startOffset, log.endOffset)
    }
  }

  #moveToBack([key, reading]: [string, Reading]): void {
    this.#readings.delete(key)
    this.#readings.set(key, reading)
  }
}
