import { type IsolationLevel, partitionKey, type TopicPartition, type TopicPartitionOffset } from '@millrace/core'
import { Cluster } from '../cluster/cluster.ts'
import { repeat } from '../cluster/repeat.ts'
import { PackedError } from '../errors/packed-error.ts'
import { MalformedBatchError } from '../records/malformed-batch-error.ts'
import { Fetcher } from './fetcher.ts'
import { listOffsetsOrEnds, type OffsetQuestion } from './list-offsets.ts'
import { PartitionFetch } from './partition-fetch.ts'
import { PollRoom } from './poll-room.ts'
import type { ReadBatch, ReadFailure, ReadResult } from './read-result.ts'
import type { ReadPosition } from './read-position.ts'
import type { ReaderStatistics } from './reader-statistics.ts'
import { type ReaderOptions, type ResolvedReaderOptions, resolveReaderOptions } from './reader-options.ts'

/**
 * Reads partitions that are assigned by hand, from several brokers at once, ahead of who polls, within a bound of bytes.
 *
 * @example
 * ```ts
 * import { PackedReader } from '@millrace/kafka-packed'
 *
 * await using reader = await PackedReader.open({ brokers: [{ host: 'localhost', port: 9092 }] })
 * reader.assign([{ topic: 'lines', partition: 0, offset: 0 }])
 * const { batches } = await reader.poll(10_000, 1_000)
 * for (const { length, values } of batches) console.log(length, values.bytes.length)
 * ```
 */
export class PackedReader implements AsyncDisposable {
  readonly #options: ResolvedReaderOptions
  readonly #cluster: Cluster
  readonly #fetcher: Fetcher
  readonly #partitions = new Map<string, PartitionFetch>()
  #wake: (() => void) | undefined
  #isClosed = false
  #endStatistics = (): void => {}

  /** Connects to the first broker that answers. Rejects with a {@link PackedError}, such as one of kind `unreachable`. */
  static async open(options: ReaderOptions): Promise<PackedReader> {
    const resolved = resolveReaderOptions(options)
    const reader = new PackedReader(resolved)
    try {
      await reader.#cluster.refresh()
    } catch (error) {
      await reader.close()
      throw error
    }
    const { onStatistics, clock, statisticsMs } = resolved
    if (onStatistics !== undefined) reader.#endStatistics = repeat(clock, statisticsMs, () => onStatistics(reader.statistics()))
    return reader
  }

  private constructor(options: ResolvedReaderOptions) {
    this.#options = options
    this.#cluster = new Cluster(options.connect, options.clock)
    this.#fetcher = new Fetcher(this.#cluster, this.#partitions, options, () => this.#arrived())
  }

  /** Reads exactly these partitions, from these offsets. Replaces what was assigned before. */
  assign(positions: readonly ReadPosition[]): void {
    const before = [...this.#partitions.values()]
    this.#drop(before)
    this.#forgetUnread(before, positions)
    this.add(positions)
  }

  /** Reads these partitions, too; one that is read already goes on at the position given. */
  add(positions: readonly ReadPosition[]): void {
    this.#check()
    for (const position of positions) {
      const partition = new PartitionFetch(position)
      this.#drop([position])
      this.#partitions.set(partition.key, partition)
    }
    this.#cluster.track(positions.map(({ topic }) => topic))
    this.#fetcher.schedule()
  }

  /** Reads these no more: nothing of them is polled from now on. */
  unassign(partitions: readonly TopicPartition[]): void {
    this.#drop(partitions)
    this.#forgetUnread(partitions)
  }

  #drop(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) {
      const key = partitionKey(topic, partition)
      this.#partitions.get(key)?.drop()
      this.#partitions.delete(key)
    }
  }

  /** Topics of these, unless partitions of them are read, or are about to be. */
  #forgetUnread(partitions: readonly TopicPartition[], next: readonly TopicPartition[] = []): void {
    const topics = new Set(partitions.map(({ topic }) => topic))
    for (const { topic } of [...this.#partitions.values(), ...next]) topics.delete(topic)
    this.#cluster.forget(topics)
  }

  /** Goes on at these offsets: nothing before them is polled from now on. Partitions that failed begin anew. Keeps pauses. */
  seek(positions: readonly ReadPosition[]): void {
    for (const { topic, partition, offset, leaderEpoch } of positions) this.#at({ topic, partition }).seek(offset, leaderEpoch)
    this.#fetcher.schedule()
  }

  /** Nothing of these is polled from now on; what was read ahead is kept, until others need its room. */
  pause(partitions: readonly TopicPartition[]): void {
    for (const one of partitions) this.#at(one).isPaused = true
    this.#fetcher.schedule()
  }

  /** Goes on where polling stood. */
  resume(partitions: readonly TopicPartition[]): void {
    for (const one of partitions) {
      const partition = this.#at(one)
      partition.isPaused = false
      partition.isUrgent = true
    }
    this.#fetcher.schedule()
    // There may be something already.
    this.#arrived()
  }

  /** Of each partition that is assigned, the offset of the next record to be polled, and the epoch of the record before it as far as that is known. */
  positions(): ReadPosition[] {
    return [...this.#partitions.values()].map(({ topic, partition, position }) => this.positionAt({ topic, partition, offset: position }))
  }

  /**
   * The same offset, with the epoch of the record before it, if that was read here and is known: committed with it, whoever goes on there notices that the log
   * has lost what was read before.
   */
  positionAt({ topic, partition, offset }: TopicPartitionOffset): ReadPosition {
    const leaderEpoch = this.#partitions.get(partitionKey(topic, partition))?.epochBefore(offset) ?? -1
    return leaderEpoch < 0 ? { topic, partition, offset } : { topic, partition, offset, leaderEpoch }
  }

  /**
   * Up to `maxRecords` records of what has arrived; waits up to `maxWaitMs` for something to arrive. One poll at a time. Rejects with a {@link PackedError}
   * when no broker lets this client in.
   */
  async poll(maxRecords: number, maxWaitMs: number): Promise<ReadResult> {
    const { clock } = this.#options
    const until = clock.monotonic() + maxWaitMs
    for (;;) {
      this.#check()
      const result = this.#gather(maxRecords)
      if (result.batches.length > 0 || result.ends.length > 0 || result.failures.length > 0) return result
      const { fatal } = this.#fetcher
      if (fatal !== undefined) throw fatal
      const wait = until - clock.monotonic()
      if (wait <= 0) return result
      await this.#arrival(wait)
    }
  }

  /** First or next offsets of partitions, or the first at or after a time in milliseconds (the end where there is none); they need not be assigned. */
  listOffsets(partitions: readonly TopicPartition[], at: OffsetQuestion, isolation?: IsolationLevel): Promise<TopicPartitionOffset[]> {
    this.#check()
    return listOffsetsOrEnds(this.#cluster, partitions, { at, isolation: isolation ?? this.#options.isolation, clock: this.#options.clock })
  }

  /** What was read so far, what waits, and how far each partition is. */
  statistics(): ReaderStatistics {
    const partitions = [...this.#partitions.values()].map(({ topic, partition, position, end }) => ({
      topic,
      partition,
      position,
      endOffset: end,
    }))
    return { fetched: new Map(this.#fetcher.counts), bufferedBytes: this.#fetcher.bufferedBytes, partitions }
  }

  /** Ends a poll under way, and gives up all connections. Safe to call twice. */
  close(): Promise<void> {
    this.#isClosed = true
    this.#endStatistics()
    this.#fetcher.close()
    this.#cluster.close()
    this.#partitions.clear()
    this.#wake?.()
    return Promise.resolve()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #arrived(): void {
    this.#wake?.()
    this.#options.onArrival()
  }

  #gather(maxRecords: number): ReadResult {
    const batches: ReadBatch[] = []
    const ends: TopicPartitionOffset[] = []
    const failures: ReadFailure[] = []
    const buffered = this.#fetcher.bufferedBytes
    const taken = new PollRoom(maxRecords, this.#options.maxPollBytes)
    for (const partition of [...this.#partitions.values()]) {
      if (partition.isPaused) continue
      if (this.#take(partition, taken, batches)) this.#toEnd(partition)
      const end = taken.isFull ? undefined : partition.takeEnd()
      if (end !== undefined) ends.push({ topic: partition.topic, partition: partition.partition, offset: end })
      const { topic, error } = partition
      if (error !== undefined && !partition.isErrorTold && !partition.hasRecords) {
        partition.isErrorTold = true
        failures.push({ topic, partition: partition.partition, error })
      }
    }
    // Without records, too: what was read to its end is given up when it is asked for more.
    if (batches.length > 0 || this.#fetcher.bufferedBytes < buffered) this.#fetcher.schedule()
    return { batches, ends, failures }
  }

  /** Returns whether there was anything. */
  #take(from: PartitionFetch, room: PollRoom, into: ReadBatch[]): boolean {
    const { topic, partition, end } = from
    const before = into.length
    try {
      while (!room.isFull) {
        const columns = from.take(room.records)
        if (columns === undefined) break
        into.push({ topic, partition, endOffset: end, ...columns })
        room.take(columns)
      }
    } catch (error) {
      from.drop()
      from.error = malformed(from, error)
    }
    return into.length > before
  }

  #toEnd(partition: PartitionFetch): void {
    this.#partitions.delete(partition.key)
    this.#partitions.set(partition.key, partition)
  }

  async #arrival(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.after(ms, resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
    this.#wake = undefined
  }

  #at({ topic, partition }: TopicPartition): PartitionFetch {
    const found = this.#partitions.get(partitionKey(topic, partition))
    if (found === undefined) throw new TypeError(`${topic}-${partition} is not assigned to this reader`)
    return found
  }

  #check(): void {
    if (this.#isClosed) throw new PackedError('The reader has been closed.', { kind: 'closed' })
  }
}

function malformed({ topic, partition, position }: PartitionFetch, error: unknown): PackedError {
  const reason = error instanceof MalformedBatchError ? error.message : String(error)
  return new PackedError(`What follows offset ${position} of ${topic}-${partition} can't be read: ${reason}.`, {
    kind: 'malformed',
    cause: error,
  })
}
