import { byteLengthAt, headerBytes, partitionForHash, partitionKey } from '@millrace/core'
import { Cluster } from '../cluster/cluster.ts'
import { patiently } from '../cluster/patiently.ts'
import { repeat } from '../cluster/repeat.ts'
import { loadCodec } from '../compression/codecs.ts'
import { PackedError } from '../errors/packed-error.ts'
import { CODE, mayPass, refusal } from '../errors/protocol-codes.ts'
import type { PositionCommit } from '../read/read-position.ts'
import { KeylessPartitions } from './keyless-partitions.ts'
import { PartitionQueue } from './partition-queue.ts'
import type { PendingBatch } from './pending-batch.ts'
import { newIdentity, type ProducerIdentity } from './producer-identity.ts'
import { AwaitedRecords } from './record-delivery.ts'
import { type BatchOutcome, Sender, undelivered } from './sender.ts'
import { Settlements } from './settlements.ts'
import { tellAwaited } from './tell-awaited.ts'
import { areThere, hashAt, NO_PARTITION, timed, type WriteColumns } from './write-columns.ts'
import { recordAt, recordOf, type WriteFailed } from './write-failed.ts'
import type { GroupMetadata } from '../wire/group-metadata.ts'
import { type ResolvedWriterOptions, resolveWriterOptions, type WriterOptions } from './writer-options.ts'
import type { WriterStatistics } from './writer-statistics.ts'
import { WriterTransactions } from './writer-transactions.ts'
import { idleTopics, type WrittenTopic } from './written-topics.ts'

/** What a record takes beside its key, value and headers, at most as a rule. */
const RECORD_BYTES = 16

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
   * keeps the order. Rejects with a {@link PackedError} when the topic does not exist for as long as a request may take, or when nothing can be written any more:
   * nothing of it is taken then.
   */
  async write(columns: WriteColumns): Promise<void> {
    this.#checkTakes()
    let topic = this.#wholeTopic(columns.topic) ?? (await this.#topicOf(columns.topic))
    if (!areThere(columns, topic.queues.length)) {
      // They may have been added since.
      await patiently(this.#cluster, this.#options.clock, () => this.#cluster.refresh())
      topic = this.#wholeTopic(columns.topic) ?? (await this.#topicOf(columns.topic))
    }
    this.#checkTakes()
    topic.writing++
    try {
      while (this.#bufferedBytes >= this.#options.maxBufferedBytes) {
        await this.#change()
        this.#checkTakes()
      }
      this.#append(timed(columns, this.#options.clock.now()), topic.queues)
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
    this.#settlements.end()
    const { fatal } = this.#sender
    for (const queue of this.#queues.values()) {
      for (const batch of queue.drop()) {
        const message = 'were not acknowledged when the writer was closed.'
        this.#settled(queue, batch, { error: fatal ?? undelivered(queue, message, { kind: 'closed', cause: batch.lastError }) })
      }
    }
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
      const queue = queues[partition]
      if (queue === undefined) {
        this.#refuse(columns, row, queues.length)
        continue
      }
      const bytes =
        byteLengthAt(keys, row) + byteLengthAt(values, row) + (headers === undefined ? 0 : headerBytes(headers[row])) + RECORD_BYTES
      this.#bufferedBytes += bytes
      if (queue.append(columns, row, bytes)) this.#keyless.next(topic, partition, queues.length)
    }
  }

  /** It is for a partition that is not there, of so many: it fails by itself. */
  #refuse(columns: WriteColumns, row: number, count: number): void {
    const { topic, partitions, onDelivered } = columns
    const partition = partitions?.[row] as number
    const message = `Topic '${topic}' has ${count} partitions, and none of number ${partition}.`
    const error = new PackedError(message, { kind: 'unknown-topic', code: CODE.unknownTopic })
    const thrown = tellAwaited({ awaited: onDelivered && new AwaitedRecords([row], [onDelivered]) }, partition, { error })
    this.#failed(this.#settlements.begin(), { topic, partition, records: 1, record: recordAt(columns, row), error })
    if (thrown !== undefined) this.#sender.end(thrown)
  }

  #partitionOf({ topic, keys }: WriteColumns, row: number, count: number): number {
    const hash = hashAt(keys, row)
    return hash === undefined ? this.#keyless.of(topic, count) : partitionForHash(hash, count)
  }

  /** Undefined: it is not written to yet, partitions were added, or it was made anew with fewer. */
  #wholeTopic(topic: string): WrittenTopic | undefined {
    const known = this.#byTopic.get(topic)
    return known?.queues.length === this.#cluster.metadata.partitionsOf(topic) ? known : undefined
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
      const record = recordOf(sealed, outcome.refused?.[0]?.index ?? 0)
      this.#failed(round, { topic, partition, records: sealed.count, record, ...outcome })
    }
    if (thrown !== undefined) this.#sender.end(thrown)
    this.#changed()
  }

  #failed(round: number, failure: WriteFailed): void {
    this.#sender.counts.failedRecords += failure.records
    // It is told before those that fail with its transaction.
    this.#settlements.settle(round, failure)
    this.#transactions?.failed(failure)
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
