import {
  type Logger,
  MillraceError,
  type OffsetCommit,
  type PollResult,
  type RebalanceListener,
  type RecordSource,
  type RecordSourceOptions,
  type TopicPartition,
  type TopicPartitionOffset,
} from '@millrace/core'
import { call } from '../client/call.ts'
import { CODE, kafkaError } from '../client/kafka-errors.ts'
import type { RawConsumer, RawError, RawMessage, RawTopicPartition } from '../client/raw-client.ts'
import type { ResolvedKafkaOptions } from '../kafka-options.ts'
import { AssignedPartitions } from './assigned-partitions.ts'
import { OffsetCommits } from './offset-commits.ts'
import { ReadAhead } from './read-ahead.ts'
import { Rebalances } from './rebalances.ts'

const DEFAULT_MAX_POLL_RECORDS = 10_000
/** The client tells when its queue is no longer empty; should that be missed, it is looked at this often. */
const LOOK_MS = 100
/** As long as a hook or a commit waits, whose events only come while messages are consumed. */
const URGENT_LOOK_MS = 2
/** Read while nobody polls, before partitions are paused: enough for short stalls, which a pause would turn into long ones. */
const MAX_STASHED = 500
/** Wait for what only the broker can end: leaving the group, a seek on a partition that is not fetched yet. */
const PATIENCE_MS = 10_000

/** What `kafka()` hands over. */
export interface KafkaSourceParts {
  readonly options: ResolvedKafkaOptions
  readonly source: RecordSourceOptions
  readonly logger: Logger
}

/** Reads through one consumer of the client, with one `consume` under way at any time. */
export class KafkaSource implements RecordSource {
  readonly #parts: KafkaSourceParts
  readonly #maxPollRecords: number
  readonly #assigned = new AssignedPartitions()
  readonly #commits: OffsetCommits
  readonly #grouped: boolean
  #consumer: RawConsumer | undefined
  readonly #rebalances: Rebalances
  #consuming: Promise<void> | undefined
  /** No `consume` may begin: a seek is under way. */
  #held = false
  readonly #readAhead = new ReadAhead(this.#assigned, (topic, partition) => this.#endOffset(topic, partition))
  #failure: Error | undefined
  #polling = false
  /** Everything is paused because nobody polls. */
  #stalled = false
  #wake: (() => void) | undefined
  #servant: NodeJS.Timeout | undefined
  #servedAt = 0
  #closing: Promise<void> | undefined

  constructor(parts: KafkaSourceParts) {
    this.#parts = parts
    this.#maxPollRecords = parts.source.maxPollRecords ?? DEFAULT_MAX_POLL_RECORDS
    this.#grouped = parts.source.groupId !== undefined
    this.#commits = new OffsetCommits(() => this.raw, parts.options.requestTimeoutMs)
    this.#rebalances = new Rebalances({
      consumer: () => this.#consumer,
      assigned: this.#assigned,
      drop: (partitions) => this.#readAhead.drop(partitions),
      quiet: async () => this.#consuming,
      closing: () => this.#closing !== undefined,
      stalled: () => this.#stalled,
      onFailure: (error) => this.#fail(error),
      onDone: () => this.#wakeUp(),
    })
  }

  /** Settings of the client that are functions of this source. */
  get callbacks(): Readonly<Record<string, unknown>> {
    return {
      rebalance_cb: this.#rebalances.onRebalance,
      offset_commit_cb: this.#commits.onEvent,
      queue_non_empty_cb: () => this.#wakeUp(),
    }
  }

  /** Takes the connected consumer. */
  attach(consumer: RawConsumer): void {
    this.#consumer = consumer
    // Never waits in the client: with 0 it drains what is there, and is woken when there is more.
    consumer.setDefaultConsumeTimeout(0)
    consumer.on('partition.eof', ({ topic, partition, offset }: RawMessage) => {
      this.#readAhead.keepEnd({ topic, partition, offset })
    })
    this.#servant = setInterval(() => this.#serve(), URGENT_LOOK_MS)
  }

  /** The consumer, for transactions: a producer needs it to fence by group membership. */
  get raw(): RawConsumer {
    if (this.#consumer === undefined || this.#closing !== undefined) throw closed()
    return this.#consumer
  }

  async subscribe(topics: readonly (string | RegExp)[], listener: RebalanceListener): Promise<void> {
    if (!this.#grouped) throw new TypeError('This source has no groupId: use assign().')
    this.#rebalances.listener = listener
    // A pattern must begin with ^ for librdkafka to take it as one; .* keeps unanchored ones unanchored.
    this.raw.subscribe(
      topics.map((topic) => (topic instanceof RegExp ? (topic.source.startsWith('^') ? topic.source : `^.*(${topic.source})`) : topic)),
    )
  }

  async assign(positions: readonly TopicPartitionOffset[]): Promise<void> {
    await this.#hold(async () => {
      this.raw.assign(positions.map(({ topic, partition, offset }) => ({ topic, partition, offset })))
      this.#assigned.clear()
      for (const position of positions) this.#assigned.add(position, false)
      this.#readAhead.clear()
    })
  }

  async poll(maxWaitMs: number): Promise<PollResult> {
    if (this.#polling) throw new TypeError('A poll is under way: await it before the next one.')
    void this.raw
    this.#polling = true
    try {
      this.#resumeAfterStall()
      const until = Date.now() + maxWaitMs
      for (;;) {
        if (this.#failure !== undefined) throw this.#takeFailure()
        if (this.#closing !== undefined) return { batches: [], ends: [] }
        let result = this.#readAhead.take()
        if (isEmpty(result)) {
          await this.#consume(this.#maxPollRecords)
          result = this.#readAhead.take()
        }
        if (!isEmpty(result)) return result
        const left = until - Date.now()
        if (left <= 0) return result
        await this.#sleep(Math.min(left, this.#urgent ? URGENT_LOOK_MS : LOOK_MS))
      }
    } finally {
      this.#polling = false
    }
  }

  async seek(positions: readonly TopicPartitionOffset[]): Promise<void> {
    await this.#hold(async () => {
      for (const position of positions) {
        if (this.#assigned.known([position]).length === 0) continue
        this.#readAhead.drop([position])
        await this.#seekOne(position)
        this.#assigned.startFrom(position, position.offset)
      }
    })
  }

  pause(partitions: readonly TopicPartition[]): void {
    const known = this.#assigned.known(partitions)
    this.#assigned.setPaused(known, true)
    if (known.length > 0 && !this.#stalled) this.raw.pause(known)
  }

  resume(partitions: readonly TopicPartition[]): void {
    const known = this.#assigned.known(partitions)
    this.#assigned.setPaused(known, false)
    if (known.length > 0 && !this.#stalled) this.raw.resume(known)
    this.#wakeUp()
  }

  async commit(offsets: readonly OffsetCommit[]): Promise<void> {
    if (offsets.length === 0) return
    if (!this.#grouped) throw new TypeError('This source has no groupId: it commits nothing.')
    void this.raw
    const committing = this.#commits.commit(offsets)
    this.#wakeUp()
    await committing
  }

  async committed(partitions: readonly TopicPartition[]): Promise<readonly OffsetCommit[]> {
    if (partitions.length === 0) return []
    const { requestTimeoutMs } = this.#parts.options
    const asked = partitions.map(({ topic, partition }) => ({ topic, partition }))
    const entries = await call<(RawTopicPartition | RawError)[]>(
      { doing: 'look up committed offsets', timeoutMs: requestTimeoutMs + 1_000, stage: 'commit' },
      (callback) => this.raw.committed(asked, requestTimeoutMs, callback),
    )
    const known: OffsetCommit[] = []
    for (const entry of entries) {
      // An error of one partition stands in the place of its entry.
      if (!('topic' in entry)) throw kafkaError('look up a committed offset', entry, { stage: 'commit' })
      const { topic, partition, offset, metadata } = entry
      if (offset !== undefined && offset >= 0)
        known.push(metadata === undefined || metadata === '' ? { topic, partition, offset } : { topic, partition, offset, metadata })
    }
    return known
  }

  assignment(): readonly TopicPartition[] {
    return this.#assigned.list()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  get #urgent(): boolean {
    return this.#rebalances.running || this.#commits.pending
  }

  /**
   * Leaves the group while still connected: during the client's own disconnect neither commits nor cooperative unassignments work any more, and
   * it never ends if the revoke is not answered.
   */
  async #close(): Promise<void> {
    const consumer = this.#consumer
    if (consumer === undefined) return
    this.#wakeUp()
    try {
      if (this.#rebalances.listener !== undefined) {
        consumer.unsubscribe()
        const until = Date.now() + PATIENCE_MS
        while ((this.#assigned.size > 0 || this.#rebalances.running) && (this.#rebalances.running || Date.now() < until))
          await this.#sleep(URGENT_LOOK_MS)
      } else consumer.unassign()
    } catch (error) {
      this.#parts.logger.warn({ err: error }, 'kafka: leaving the group failed')
    }
    clearInterval(this.#servant)
    await this.#consuming
    this.#commits.fail(closed())
    await call<unknown>({ doing: 'disconnect a consumer', timeoutMs: PATIENCE_MS, stage: 'source' }, (callback) =>
      consumer.disconnect(callback),
    ).catch((error: unknown) => this.#parts.logger.warn({ err: error }, 'kafka: a consumer failed to disconnect'))
    this.#readAhead.clear()
  }

  /** While nobody polls: keeps the membership, lets hooks and commits go on, and reads little. */
  #serve(): void {
    if (this.#polling || this.#held || this.#consuming !== undefined) return
    if (!this.#urgent && Date.now() - this.#servedAt < LOOK_MS) return
    this.#servedAt = Date.now()
    if (this.#readAhead.length >= MAX_STASHED && !this.#stalled) this.#pauseForStall()
    void this.#consume(1)
  }

  #pauseForStall(): void {
    const partitions = this.#assigned.notPaused()
    this.#stalled = true
    if (partitions.length > 0) this.#consumer?.pause(partitions)
  }

  #resumeAfterStall(): void {
    if (!this.#stalled) return
    this.#stalled = false
    const partitions = this.#assigned.notPaused()
    if (partitions.length > 0 && this.#closing === undefined) this.#consumer?.resume(partitions)
  }

  /** Takes what the client has, up to `count` messages, into the stash. Waits for the one under way instead, if there is one. */
  async #consume(count: number): Promise<void> {
    if (this.#held) return
    this.#consuming ??= this.#consumeNow(count).finally(() => {
      this.#consuming = undefined
    })
    await this.#consuming
  }

  #consumeNow(count: number): Promise<void> {
    return new Promise((resolve) => {
      const consumer = this.#consumer
      if (consumer === undefined || !consumer.isConnected()) {
        resolve()
        return
      }
      try {
        consumer.consume(count, (error, messages) => {
          if (error !== null && error !== undefined) this.#onConsumeError(error)
          else if (messages.length > 0) this.#readAhead.keep(messages)
          resolve()
        })
      } catch (error) {
        this.#onConsumeError(error as RawError)
        resolve()
      }
    })
  }

  #onConsumeError(error: RawError): void {
    const { code } = error
    if (code === CODE.TIMED_OUT || code === CODE.PARTITION_EOF) return
    // The client reconnects by itself; that it must is in the log.
    if (code === CODE.ALL_BROKERS_DOWN || code === CODE.TRANSPORT || code === CODE.RESOLVE) return
    if (code === CODE.AUTO_OFFSET_RESET || code === CODE.OFFSET_OUT_OF_RANGE) {
      this.#fail(
        new MillraceError(
          'OFFSET_OUT_OF_RANGE',
          `An offset to read from no longer exists (${error.message}): records were deleted before they were read. Set the group's offset to one that exists.`,
          { stage: 'source', cause: error },
        ),
      )
      return
    }
    this.#fail(kafkaError('read', error, { stage: 'source' }))
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#wakeUp()
  }

  #takeFailure(): Error {
    const failure = this.#failure as Error
    this.#failure = undefined
    return failure
  }

  /** The end as the client last heard of it. For readers of committed records it knows none: the one it has counts open transactions. */
  #endOffset(topic: string, partition: number): number | undefined {
    if (this.#parts.source.isolation === 'read-committed') return undefined
    try {
      const { highOffset } = this.raw.getWatermarkOffsets(topic, partition)
      return highOffset >= 0 ? highOffset : undefined
    } catch {
      return undefined
    }
  }

  /** Runs `work` while no `consume` is under way. */
  async #hold(work: () => Promise<void>): Promise<void> {
    while (this.#held) await this.#sleep(URGENT_LOOK_MS)
    this.#held = true
    try {
      await this.#consuming
      await work()
    } finally {
      this.#held = false
      this.#wakeUp()
    }
  }

  /** A partition that was assigned a moment ago is not fetched yet, and can't be sought until it is. */
  async #seekOne({ topic, partition, offset }: TopicPartitionOffset): Promise<void> {
    const until = Date.now() + PATIENCE_MS
    for (;;) {
      try {
        await call(
          { doing: `seek to offset ${offset} of ${topic}-${partition}`, timeoutMs: PATIENCE_MS, stage: 'source', topic, partition, offset },
          (callback) => this.raw.seek({ topic, partition, offset }, 1_000, callback),
        )
        return
      } catch (error) {
        if (Date.now() >= until || this.#assigned.known([{ topic, partition }]).length === 0) throw error
        await this.#sleep(LOOK_MS)
      }
    }
  }

  #wakeUp(): void {
    this.#wake?.()
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        if (this.#wake === done) this.#wake = undefined
        resolve()
      }
      const timer = setTimeout(done, ms)
      this.#wake = done
    })
  }
}

function isEmpty({ batches, ends }: PollResult): boolean {
  return batches.length === 0 && ends.length === 0
}

function closed(): MillraceError {
  return new MillraceError('CLOSED', 'This source is closed.', { stage: 'source' })
}
