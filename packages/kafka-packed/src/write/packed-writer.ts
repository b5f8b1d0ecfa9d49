import { byteLengthAt, headerBytes, murmur2, partitionForHash, partitionKey, type BytesColumn } from '@millrace/core'
import { backoffMs } from '../cluster/backoff.ts'
import { Cluster } from '../cluster/cluster.ts'
import { loadCodec } from '../compression/codecs.ts'
import { PackedError } from '../errors/packed-error.ts'
import type { WritableColumns } from '../records/batch-builder.ts'
import { KeylessPartitions } from './keyless-partitions.ts'
import { PartitionQueue } from './partition-queue.ts'
import type { PendingBatch } from './pending-batch.ts'
import { newIdentity, type ProducerIdentity } from './producer-identity.ts'
import { type BatchFailure, Sender } from './sender.ts'
import { type ResolvedWriterOptions, resolveWriterOptions, type WriterOptions } from './writer-options.ts'

/** Records for one topic, as columns. */
export interface WriteColumns extends WritableColumns {
  readonly topic: string
  /** Of records. */
  readonly length: number
  /** Of each record. Absent, or -1: by key, as Kafka's default partitioner (murmur2); records without a key are spread. */
  readonly partitions?: ArrayLike<number> | undefined
}

/** Records that were not written, and why. */
export interface WriteFailed {
  readonly topic: string
  /** Counted from 0. */
  readonly partition: number
  /** How many of them. */
  readonly records: number
  readonly error: PackedError
  /** Those that the broker found wrong, by their place among these. Default: it named none. */
  readonly refused?: BatchFailure['refused']
}

/** What a record takes beside its key, value and headers, at most as a rule. */
const RECORD_BYTES = 16
const NO_PARTITION = -1

/**
 * Writes records in the order given, each once: idempotent, acknowledged by all replicas in sync, five requests under way to each broker, tried again until
 * `deliveryTimeoutMs` is over.
 *
 * @example
 * ```ts
 * import { PackedWriter } from '@millrace/kafka-packed'
 * import { viewColumn } from '@millrace/core'
 *
 * await using writer = await PackedWriter.open({ brokers: [{ host: 'localhost', port: 9092 }], compression: 'lz4' })
 * const values = viewColumn([Buffer.from('one'), Buffer.from('two')])
 * await writer.write({ topic: 'lines', length: 2, keys: viewColumn([null, null]), values, timestamps: [Date.now(), Date.now()] })
 * for (const { topic, partition, error } of await writer.flush()) console.error(topic, partition, error.message)
 * ```
 */
export class PackedWriter implements AsyncDisposable {
  readonly #options: ResolvedWriterOptions
  readonly #cluster: Cluster
  readonly #queues = new Map<string, PartitionQueue>()
  readonly #byTopic = new Map<string, PartitionQueue[]>()
  readonly #keyless = new KeylessPartitions()
  readonly #sender: Sender
  #identity: ProducerIdentity = { producerId: -1, producerEpoch: -1 }
  #failures: WriteFailed[] = []
  #bufferedBytes = 0
  #waiters: (() => void)[] = []
  #isClosed = false

  /** Connects to the first broker that answers. Rejects with a {@link PackedError}, such as one of kind `unreachable`. */
  static async open(options: WriterOptions): Promise<PackedWriter> {
    const writer = new PackedWriter(resolveWriterOptions(options))
    try {
      await loadCodec(writer.#options.compression)
      await writer.#cluster.refresh()
      writer.#identity = await writer.#patiently(() => newIdentity(writer.#cluster))
    } catch (error) {
      writer.#abandon()
      throw error
    }
    return writer
  }

  private constructor(options: ResolvedWriterOptions) {
    this.#options = options
    this.#cluster = new Cluster(options.connect, options.clock)
    this.#sender = new Sender(this.#cluster, this.#queues, {
      options,
      events: {
        onSettled: (queue, batch, failure) => this.#settled(queue, batch, failure),
        onFatal: () => this.#changed(),
        onSent: ({ topic, partition }) => this.#keyless.next(topic, partition, this.#byTopic.get(topic)?.length ?? 0),
      },
    })
  }

  /** Bytes that were accepted, and are not acknowledged yet. */
  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  /**
   * Resolves when the records have been accepted, whose bytes are copied by then: waits while `maxBufferedBytes` wait to be acknowledged. One call at a time
   * keeps the order. Rejects with a {@link PackedError} when the topic does not exist for as long as a request may take, or when nothing can be written any more.
   */
  async write(columns: WriteColumns): Promise<void> {
    this.#check()
    const known = this.#byTopic.get(columns.topic)
    // Partitions may have been added.
    const isWhole = known !== undefined && known.length >= this.#cluster.metadata.partitionsOf(columns.topic)
    const queues = isWhole ? known : await this.#queuesOf(columns.topic)
    checkPartitions(columns, queues.length)
    while (this.#bufferedBytes >= this.#options.maxBufferedBytes) {
      await this.#change()
      this.#check()
    }
    this.#append(columns, queues)
    this.#sender.schedule()
  }

  /** Resolves when everything that was accepted has been acknowledged or has failed: to what has failed since the last flush. */
  async flush(): Promise<readonly WriteFailed[]> {
    this.#sender.isFlushing = true
    try {
      while (!this.#isIdle()) {
        await this.#change()
        this.#check()
      }
    } finally {
      this.#sender.isFlushing = false
    }
    const failures = this.#failures
    this.#failures = []
    return failures
  }

  /** Flushes, as long as `deliveryTimeoutMs` allows, and gives up all connections. Safe to call twice. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    try {
      if (this.#sender.fatal === undefined) await this.flush()
    } finally {
      this.#abandon()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #abandon(): void {
    this.#isClosed = true
    this.#sender.close()
    this.#cluster.close()
    this.#changed()
  }

  #append(columns: WriteColumns, queues: readonly PartitionQueue[]): void {
    const { length, keys, values, headers, partitions, topic } = columns
    for (let row = 0; row < length; row++) {
      const given = partitions?.[row] ?? NO_PARTITION
      const partition = given === NO_PARTITION ? this.#partitionOf(columns, row, queues.length) : given
      const queue = queues[partition] as PartitionQueue
      const bytes =
        byteLengthAt(keys, row) + byteLengthAt(values, row) + (headers === undefined ? 0 : headerBytes(headers[row])) + RECORD_BYTES
      this.#bufferedBytes += bytes
      if (queue.append(columns, row, bytes)) this.#keyless.next(topic, partition, queues.length)
    }
  }

  #partitionOf({ topic, keys }: WriteColumns, row: number, count: number): number {
    const hash = hashAt(keys, row)
    return hash === undefined ? this.#keyless.of(topic, count) : partitionForHash(hash, count)
  }

  /** Waits for a topic that was made a moment ago. */
  async #queuesOf(topic: string): Promise<readonly PartitionQueue[]> {
    this.#cluster.track([topic])
    return this.#patiently(async () => {
      if (this.#cluster.metadata.partitionsOf(topic) === 0) await this.#cluster.refresh()
      const count = this.#cluster.metadata.partitionsOf(topic)
      if (count === 0) throw new PackedError(`Topic '${topic}' does not exist, or this client may not see it.`, { kind: 'unknown-topic' })
      const queues = Array.from({ length: count }, (_, partition) => this.#queueOf(topic, partition))
      this.#byTopic.set(topic, queues)
      return queues
    })
  }

  #queueOf(topic: string, partition: number): PartitionQueue {
    const known = this.#queues.get(partitionKey(topic, partition))
    if (known !== undefined) return known
    const queue = new PartitionQueue(topic, partition, { identity: this.#identity, options: this.#options })
    this.#queues.set(queue.key, queue)
    return queue
  }

  /** Tries again what passes, as long as a request may take. */
  async #patiently<T>(action: () => Promise<T>): Promise<T> {
    const until = this.#options.clock.monotonic() + this.#options.connect.requestTimeoutMs
    for (let failures = 1; ; failures++) {
      try {
        return await action()
      } catch (error) {
        const { retriable, kind } = error as PackedError
        if (!(retriable || kind === 'unknown-topic') || this.#options.clock.monotonic() >= until) throw error
        await this.#cluster.delay(backoffMs(failures))
        this.#check()
      }
    }
  }

  #isIdle(): boolean {
    for (const queue of this.#queues.values()) if (!queue.isEmpty) return false
    return true
  }

  #settled({ topic, partition }: PartitionQueue, { sealed, held }: PendingBatch, failure: BatchFailure | undefined): void {
    this.#bufferedBytes -= held
    if (failure !== undefined) this.#failures.push({ topic, partition, records: sealed.count, ...failure })
    this.#changed()
  }

  #changed(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }

  /** Something was acknowledged, has failed, or the writer is over. */
  async #change(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#waiters.push(resolve)
    })
  }

  #check(): void {
    if (this.#isClosed) throw new PackedError('The writer has been closed.', { kind: 'closed' })
    if (this.#sender.fatal !== undefined) throw this.#sender.fatal
  }
}

/** Before anything is taken. */
function checkPartitions({ topic, length, partitions }: WriteColumns, count: number): void {
  if (partitions === undefined) return
  for (let row = 0; row < length; row++) {
    const partition = partitions[row] as number
    if (!(partition >= NO_PARTITION && partition < count))
      throw new RangeError(`${topic} has ${count} partitions, and none of number ${partition}`)
  }
}

/** Undefined for null. */
function hashAt(column: BytesColumn, row: number): number | undefined {
  if (column.form === 'views') {
    const view = column.views[row] ?? null
    return view === null ? undefined : murmur2(view)
  }
  const end = column.ends[row] as number
  return end < 0 ? undefined : murmur2(column.bytes, column.starts[row], end)
}
