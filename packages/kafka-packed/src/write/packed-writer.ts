import { byteLengthAt, headerBytes, murmur2, partitionForHash, partitionKey, type BytesColumn } from '@millrace/core'
import { Cluster } from '../cluster/cluster.ts'
import { patiently } from '../cluster/patiently.ts'
import { repeat } from '../cluster/repeat.ts'
import { loadCodec } from '../compression/codecs.ts'
import { PackedError } from '../errors/packed-error.ts'
import { mayPass, refusal } from '../errors/protocol-codes.ts'
import type { PositionCommit } from '../read/read-position.ts'
import type { WritableColumns } from '../records/batch-builder.ts'
import { KeylessPartitions } from './keyless-partitions.ts'
import { PartitionQueue } from './partition-queue.ts'
import type { PendingBatch } from './pending-batch.ts'
import { newIdentity, type ProducerIdentity } from './producer-identity.ts'
import type { OnDelivered } from './record-delivery.ts'
import { type BatchOutcome, Sender } from './sender.ts'
import { Settlements } from './settlements.ts'
import { tellAwaited } from './tell-awaited.ts'
import { recordOf, type WriteFailed } from './write-failed.ts'
import type { GroupMetadata } from '../wire/group-metadata.ts'
import { type ResolvedWriterOptions, resolveWriterOptions, type WriterOptions } from './writer-options.ts'
import type { WriterStatistics } from './writer-statistics.ts'
import { WriterTransactions } from './writer-transactions.ts'
import { idleTopics, type WrittenTopic } from './written-topics.ts'

/** Records for one topic, as columns. */
export interface WriteColumns extends WritableColumns {
  readonly topic: string
  /** Of records. */
  readonly length: number
  /** Of each record. Absent, or -1: by key, as Kafka's default partitioner (murmur2); records without a key are spread. */
  readonly partitions?: ArrayLike<number> | undefined
  /** Told of each record where it was written, or why it was not: costs an object a record. Failures are told by `flush`, too. Default: nobody is told. */
  readonly onDelivered?: OnDelivered | undefined
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
  readonly #byTopic = new Map<string, WrittenTopic>()
  readonly #keyless = new KeylessPartitions()
  readonly #sender: Sender
  #identity: ProducerIdentity = { producerId: -1, producerEpoch: -1 }
  /** Queues were given up that may come back: their sequence numbers begin anew, so that they need another identity than the one they had. */
  #hasGivenUp = false
  readonly #settlements = new Settlements()
  readonly #transactions: WriterTransactions | undefined
  #bufferedBytes = 0
  #waiters: (() => void)[] = []
  #isClosed = false
  #endStatistics = (): void => {}
  #closing: Promise<readonly WriteFailed[]> | undefined

  /** Connects to the first broker that answers. Rejects with a {@link PackedError}, such as one of kind `unreachable`. */
  static async open(options: WriterOptions): Promise<PackedWriter> {
    const writer = new PackedWriter(resolveWriterOptions(options))
    try {
      await loadCodec(writer.#options.compression)
      await writer.#cluster.refresh()
      writer.#identity = await (writer.#transactions?.takeOver() ??
        writer.#cluster.opening(patiently(writer.#cluster, writer.#options.clock, () => newIdentity(writer.#cluster), mayPass)))
    } catch (error) {
      writer.#abandon()
      throw error
    }
    const { onStatistics, clock, statisticsMs } = writer.#options
    if (onStatistics !== undefined) writer.#endStatistics = repeat(clock, statisticsMs, () => onStatistics(writer.statistics()))
    return writer
  }

  private constructor(options: ResolvedWriterOptions) {
    this.#options = options
    this.#cluster = new Cluster(options.connect, options.clock)
    const { transactionalId } = options
    this.#transactions =
      transactionalId === undefined
        ? undefined
        : new WriterTransactions(this.#cluster, {
            transactionalId,
            options,
            onChange: () => this.#sender.schedule(),
            onFatal: (error) => this.#sender.end(error),
          })
    this.#sender = new Sender(this.#cluster, this.#queues, {
      options,
      transaction: this.#transactions,
      events: {
        onSettled: (queue, batch, outcome) => this.#settled(queue, batch, outcome),
        onFatal: () => this.#changed(),
        onSent: ({ topic, partition }) => this.#keyless.next(topic, partition, this.#byTopic.get(topic)?.queues.length ?? 0),
      },
    })
  }

  /** Bytes that were accepted, and are not acknowledged yet. */
  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  /** What was done so far, and what waits. */
  statistics(): WriterStatistics {
    return { ...this.#sender.counts, bufferedBytes: this.#bufferedBytes }
  }

  /**
   * Resolves when the records have been accepted, whose bytes are copied by then: waits while `maxBufferedBytes` wait to be acknowledged. One call at a time
   * keeps the order. Rejects with a {@link PackedError} when the topic does not exist for as long as a request may take, or when nothing can be written any more.
   */
  async write(columns: WriteColumns): Promise<void> {
    this.#checkTakes()
    const known = this.#byTopic.get(columns.topic)
    // Partitions may have been added, or the topic may have been made anew with fewer.
    const isWhole = known !== undefined && known.queues.length === this.#cluster.metadata.partitionsOf(columns.topic)
    const topic = isWhole ? known : await this.#topicOf(columns.topic)
    checkPartitions(columns, topic.queues.length)
    this.#checkTakes()
    topic.writing++
    try {
      while (this.#bufferedBytes >= this.#options.maxBufferedBytes) {
        await this.#change()
        this.#checkTakes()
      }
      this.#append(columns, topic.queues)
    } finally {
      topic.writing--
      topic.usedAt = this.#options.clock.monotonic()
    }
    this.#sender.schedule()
  }

  /**
   * Resolves when everything that was accepted before has been acknowledged or has failed: to what failed of it, and what failed before and was told by no
   * flush. Does not wait for what is written meanwhile. Rejects when nothing can be written any more; what failed by that is told by {@link close}.
   */
  flush(): Promise<readonly WriteFailed[]> {
    for (const queue of this.#queues.values()) queue.seal()
    this.#sender.schedule()
    return this.#settlements.flush(async () => {
      this.#check()
      await this.#change()
      this.#check()
    })
  }

  /** Begins a transaction: what is written from now on, and offsets that are sent, is one with it. Only with a `transactionalId`. */
  begin(): void {
    this.#check()
    this.#transactional().begin()
  }

  /**
   * Offsets up to which a group has read what was written in this transaction: committed with it, and refused where the member has lost its place in the group
   * (KIP-447). Rejects with a {@link PackedError}: `abortable`, or one after which this writer is over, such as `fenced`.
   */
  async sendOffsets(offsets: readonly PositionCommit[], group: GroupMetadata): Promise<void> {
    this.#check()
    await this.#transactional().sendOffsets(offsets, group)
  }

  /**
   * Flushes, and commits. Rejects with a {@link PackedError}: `abortable` (then {@link abort}), one after which this writer is over, such as `fenced`, or a
   * retriable one, if the broker has not answered: whether it is committed is known once this is called again, and resolves.
   */
  async commit(): Promise<void> {
    this.#check()
    const transactions = this.#transactional()
    transactions.end()
    await this.flush()
    this.#goOnAs(await transactions.commit())
  }

  /** Drops what was not sent, waits for what was, and aborts. Rejects as {@link commit}; what is retriable may be called again. */
  async abort(): Promise<void> {
    this.#check()
    const transactions = this.#transactional()
    if (transactions.state === 'none') throw new TypeError('abort() comes behind begin()')
    transactions.giveUp()
    await this.flush()
    const isBroken = [...this.#queues.values()].some((queue) => queue.isBroken)
    this.#goOnAs(await transactions.abort(isBroken))
  }

  /**
   * Flushes, as long as `deliveryTimeoutMs` allows, and gives up all connections. Resolves to all that failed and was told by no flush, and, where nothing
   * could be written any more, to all that was not acknowledged. A transaction that is open is aborted. Safe to call twice: the second resolves as the first.
   */
  close(): Promise<readonly WriteFailed[]> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** Gives up all connections at once, and what was not acknowledged: it has failed, and so has what no flush told. An open transaction is left to the broker. */
  abandon(): readonly WriteFailed[] {
    this.#abandon()
    const failures = this.#settlements.takeUntold()
    this.#closing ??= Promise.resolve(failures)
    return failures
  }

  /** Closes. Rejects with the {@link PackedError} of the first records that failed and were told by nobody. */
  async [Symbol.asyncDispose](): Promise<void> {
    const isFirst = this.#closing === undefined
    const [failure] = await this.close()
    if (isFirst && failure !== undefined) throw failure.error
  }

  async #close(): Promise<readonly WriteFailed[]> {
    try {
      if (this.#transactions !== undefined && this.#transactions.state !== 'none') await this.abort()
      const failures = await this.flush()
      this.#abandon()
      return failures
    } catch {
      // By then everything is told as a failure, with its reason.
      this.#abandon()
      return this.#settlements.takeUntold()
    }
  }

  #abandon(): void {
    this.#isClosed = true
    this.#endStatistics()
    this.#sender.close()
    this.#cluster.close()
    const error = this.#sender.fatal ?? closed()
    for (const queue of this.#queues.values()) for (const batch of queue.drop()) this.#settled(queue, batch, { error })
    this.#changed()
  }

  #transactional(): WriterTransactions {
    if (this.#transactions === undefined) throw new TypeError('transactions need the option transactionalId')
    return this.#transactions
  }

  /** Sequence numbers begin anew. */
  #goOnAs(identity: ProducerIdentity | undefined): void {
    if (identity === undefined) return
    this.#identity = identity
    for (const queue of this.#queues.values()) queue.renew(identity)
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
  async #topicOf(topic: string): Promise<WrittenTopic> {
    this.#giveUpIdle()
    const ask = async (): Promise<WrittenTopic> => {
      this.#check()
      this.#cluster.track([topic])
      if (this.#hasGivenUp) {
        this.#identity = await newIdentity(this.#cluster)
        this.#hasGivenUp = false
      }
      if (this.#cluster.metadata.partitionsOf(topic) === 0) await this.#cluster.refresh()
      const count = this.#cluster.metadata.partitionsOf(topic)
      const code = this.#cluster.metadata.codeOf(topic) ?? 0
      if (count === 0 && code !== 0) throw refusal(code, `tell the partitions of topic '${topic}'`)
      if (count === 0) throw new PackedError(`Nothing was told of topic '${topic}'.`, { kind: 'unknown-topic' })
      const queues = Array.from({ length: count }, (_, partition) => this.#queueOf(topic, partition))
      const written = { queues, usedAt: this.#options.clock.monotonic(), writing: 0 }
      this.#byTopic.set(topic, written)
      return written
    }
    return patiently(this.#cluster, this.#options.clock, ask, mayPass)
  }

  /** In transactions sequence numbers go on from one to the next under the same identity. */
  #giveUpIdle(): void {
    if (this.#transactions !== undefined) return
    const idle = idleTopics(this.#byTopic, this.#options.clock.monotonic() - this.#options.connect.metadataMaxAgeMs)
    for (const topic of idle) {
      for (const { key } of this.#byTopic.get(topic)?.queues ?? []) this.#queues.delete(key)
      this.#byTopic.delete(topic)
      this.#keyless.forget(topic)
    }
    this.#cluster.forget(idle)
    this.#hasGivenUp ||= idle.length > 0
  }

  #queueOf(topic: string, partition: number): PartitionQueue {
    const known = this.#queues.get(partitionKey(topic, partition))
    if (known !== undefined) return known
    const queue = new PartitionQueue(topic, partition, {
      identity: this.#identity,
      options: this.#options,
      settlements: this.#settlements,
      mostAhead: () => Math.floor(this.#options.maxBufferedBytes / (2 * this.#queues.size)),
    })
    this.#queues.set(queue.key, queue)
    return queue
  }

  #settled({ topic, partition }: PartitionQueue, batch: PendingBatch, outcome: BatchOutcome): void {
    const { sealed, held, round } = batch
    this.#bufferedBytes -= held
    const thrown = tellAwaited(batch, partition, outcome)
    if (outcome.error === undefined) this.#settlements.settle(round, undefined)
    else {
      this.#sender.counts.failedRecords += sealed.count
      const record = recordOf(sealed, outcome.refused?.[0]?.index ?? 0)
      const failure = { topic, partition, records: sealed.count, record, ...outcome }
      this.#transactions?.failed(failure)
      this.#settlements.settle(round, failure)
    }
    if (thrown !== undefined) this.#sender.end(thrown)
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

  /** Behind each wait, too: closing does not wait for what is taken while it is under way. */
  #checkTakes(): void {
    this.#check()
    if (this.#closing !== undefined) throw closed()
    this.#transactions?.checkOpen()
  }

  #check(): void {
    if (this.#isClosed) throw closed()
    if (this.#sender.fatal !== undefined) throw this.#sender.fatal
  }
}

function closed(): PackedError {
  return new PackedError('The writer has been closed.', { kind: 'closed' })
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
