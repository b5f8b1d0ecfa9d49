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
import { ClientError } from '../client/client-error.ts'
import type { ConsumerClient, KafkaClient } from '../client/kafka-client.ts'
import { checkHeld } from '../commit/check-held.ts'
import { OffsetCommits } from '../commit/offset-commits.ts'
import { closed, kafkaError, unknownTopic } from '../errors/kafka-error.ts'
import { Signal } from '../internal/signal.ts'
import { Rebalances } from './rebalances.ts'
import { missingTopic, requireTopics } from './missing-topic.ts'
import { OffsetWatch } from './offset-watch.ts'
import { Pump } from './pump.ts'
import { ReadPartitions, startAt } from './read-partition.ts'
import { Shelf } from './shelf.ts'
import { Subscription } from './subscription.ts'

const NOTHING: PollResult = Object.freeze({ batches: Object.freeze([]), ends: Object.freeze([]) })
const DEFAULT_MAX_POLL_RECORDS = 10_000
/** The default of max.poll.interval.ms, after which the group would have put a member out that still has not given up its partitions. */
const LEAVE_TIMEOUT_MS = 300_000
/** How long the client may take to ask for the partitions of a source that leaves its group. */
const REVOKE_TIMEOUT_MS = 15_000

export interface KafkaSourceParts {
  readonly options: RecordSourceOptions
  readonly logger: Logger
  /** Limit for a single request. */
  readonly requestTimeoutMs: number
  readonly sessionTimeoutMs?: number | undefined
}

/** Reads Kafka; see {@link RecordSource}. */
export class KafkaSource implements RecordSource {
  readonly sessionTimeoutMs: number | undefined
  readonly placesStandbys: boolean
  readonly #options: RecordSourceOptions
  readonly #logger: Logger
  readonly #maxPollRecords: number
  readonly #partitions = new ReadPartitions()
  readonly #shelf = new Shelf(this.#partitions)
  readonly #arrival = new Signal()
  readonly #answered = new Signal()
  readonly #commits: OffsetCommits
  readonly #rebalances: Rebalances
  readonly #watch: OffsetWatch
  readonly #client: ConsumerClient
  readonly #pump: Pump
  #subscription: Subscription | undefined
  #failure: { readonly error: unknown } | undefined
  #polling = false
  #closing: Promise<void> | undefined
  /** The group has been left: nothing more can be committed. */
  #left = false

  static async open(kafka: KafkaClient, parts: KafkaSourceParts): Promise<KafkaSource> {
    return new KafkaSource(await kafka.openConsumer(parts.options, parts.logger), parts)
  }

  private constructor(client: ConsumerClient, { options, logger, requestTimeoutMs, sessionTimeoutMs }: KafkaSourceParts) {
    this.sessionTimeoutMs = sessionTimeoutMs
    this.placesStandbys = client.placesStandbys
    this.#client = client
    this.#options = options
    this.#logger = logger
    this.#maxPollRecords = options.maxPollRecords ?? DEFAULT_MAX_POLL_RECORDS
    this.#commits = new OffsetCommits((offsets) => {
      // Right before they are sent, not when they were asked for: meanwhile a partition may have been lost.
      this.#checkHeld(offsets)
      client.commit(offsets)
    }, requestTimeoutMs)
    this.#pump = new Pump({
      client,
      partitions: this.#partitions,
      shelf: this.#shelf,
      maxRecords: this.#maxPollRecords,
      isUrgent: () => client.tellsOnlyInFetch && this.#commits.isPending,
      onFetched: () => {
        if (this.#shelf.hasAny) this.#arrival.wake()
        this.#watch.tick()
      },
      onError: (error) => this.#onFetchError(error),
    })
    this.#rebalances = new Rebalances({
      client,
      partitions: this.#partitions,
      shelf: this.#shelf,
      pump: this.#pump,
      onFailure: (error) => this.#fail(error),
      onAnswered: () => this.#answered.wake(),
    })
    this.#watch = new OffsetWatch({
      client,
      groupId: options.groupId,
      partitions: this.#partitions,
      pump: this.#pump,
      rebalances: this.#rebalances,
      restart: (read) => this.#restart(read),
      onFound: () => this.#arrival.wake(),
      onFailure: (error) => this.#fail(error),
    })
    client.listen({
      onReady: () => this.#pump.ready(),
      onRebalance: this.#rebalances.onRebalance,
      onCommitted: this.#commits.onCommitted,
    })
  }

  async subscribe(topics: readonly (string | RegExp)[], listener: RebalanceListener): Promise<void> {
    this.#checkOpen()
    this.#requireGroup('subscribe')
    if (this.#subscription !== undefined) throw new TypeError(`'${this.#options.clientId}' has subscribed already.`)
    this.#subscription = new Subscription(this.#client, topics, this.#logger)
    this.#rebalances.listenTo(listener)
    this.#pump.start()
    await this.#subscription.start()
  }

  async assign(positions: readonly TopicPartitionOffset[]): Promise<void> {
    this.#checkOpen()
    if (this.#subscription !== undefined)
      throw new TypeError(`'${this.#options.clientId}' has subscribed: its group assigns its partitions.`)
    await requireTopics(this.#client, positions)
    this.#pump.start()
    await this.#pump.exclusively(() => {
      this.#checkOpen()
      this.#forgetAll()
      this.#client.assign(positions.map(({ topic, partition, offset }) => ({ topic, partition, offset })))
      for (const position of positions) {
        const read = this.#partitions.add(position)
        read.paused = false
        startAt(read, position.offset)
        if (this.#pump.stalled) this.#pump.hold([read])
      }
    })
    this.#pump.wake()
  }

  async poll(maxWaitMs: number): Promise<PollResult> {
    if (this.#polling) throw new TypeError(`'${this.#options.clientId}' is polled already: one poll at a time.`)
    this.#checkOpen()
    this.#polling = true
    try {
      return await this.#poll(performance.now() + maxWaitMs)
    } finally {
      this.#polling = false
    }
  }

  async #poll(until: number): Promise<PollResult> {
    let looked = false
    for (;;) {
      this.#throwFailure()
      if (this.#closing !== undefined) return NOTHING
      this.#watch.throwLost()
      if (this.#shelf.hasAny) {
        const result = this.#shelf.take(this.#maxPollRecords)
        // The next fetch begins while this result is handled.
        this.#pump.wake()
        return result
      }
      const ms = until - performance.now()
      if (ms > 0) await this.#arrival.wait(ms)
      else if (looked) return NOTHING
      else {
        // However little time there is, what the client has is seen.
        looked = true
        await this.#pump.look()
      }
    }
  }

  async seek(positions: readonly TopicPartitionOffset[]): Promise<void> {
    this.#checkOpen()
    for (const position of positions) {
      // So that nothing of before is handed out while this waits for its turn.
      this.#shelf.drop([position])
    }
    await this.#pump.exclusively(async () => {
      for (const position of positions) await this.#seek(position)
    })
    this.#pump.wake()
  }

  async #seek({ topic, partition, offset }: TopicPartitionOffset): Promise<void> {
    const read = this.#partitions.get({ topic, partition })
    if (read === undefined || read.position < 0) {
      const message = `'${this.#options.clientId}' can't seek in ${topic}-${partition}: it is not assigned.`
      throw new MillraceError('NOT_ASSIGNED', message, { stage: 'source', topic, partition })
    }
    this.#shelf.drop([read])
    const stopped = read.lost !== undefined
    startAt(read, offset)
    try {
      if (stopped) this.#restart(read)
      else await this.#client.seek({ topic, partition, offset })
    } catch (error) {
      throw kafkaError(`seek to offset ${offset} of ${topic}-${partition}`, error, { stage: 'source', topic, partition, offset })
    }
  }

  /** After an error of its own, the client neither reads nor seeks in a partition. */
  #restart({ topic, partition, position }: { readonly topic: string; readonly partition: number; readonly position: number }): void {
    const all = Array.from(this.#partitions, (read) => ({ topic: read.topic, partition: read.partition, offset: read.position }))
    this.#client.restart({ topic, partition, offset: position }, all)
    const held = [...this.#partitions].filter((read) => read.held)
    for (const read of held) read.held = false
    this.#pump.hold(held)
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const at of partitions) {
      const read = this.#partitions.get(at)
      // The client goes on reading ahead, for a while: see Pump.
      if (read !== undefined) read.paused = true
    }
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const at of partitions) {
      const read = this.#partitions.get(at)
      if (read === undefined) continue
      read.paused = false
      this.#pump.release(read)
    }
    if (this.#shelf.hasAny) this.#arrival.wake()
    this.#pump.wake()
  }

  async commit(offsets: readonly OffsetCommit[]): Promise<void> {
    this.#requireGroup('commit')
    this.#checkNotLeft()
    if (offsets.length === 0) return
    this.#pump.start()
    const committed = this.#commits.commit(offsets)
    // The answer comes with a fetch.
    this.#pump.wake()
    await committed
  }

  async committed(partitions: readonly TopicPartition[]): Promise<readonly OffsetCommit[]> {
    this.#requireGroup('read committed offsets')
    this.#checkNotLeft()
    try {
      return await this.#client.committed(partitions)
    } catch (error) {
      throw kafkaError(`look up committed offsets of group '${this.#options.groupId}'`, error, { stage: 'commit' })
    }
  }

  assignment(): readonly TopicPartition[] {
    return this.#partitions.list()
  }

  /** The client, for a transaction that takes these offsets of its group. */
  clientFor(offsets: readonly OffsetCommit[]): ConsumerClient {
    this.#requireGroup('send offsets')
    this.#checkNotLeft()
    this.#checkHeld(offsets)
    return this.#client
  }

  /** A member may commit what it holds. Without a subscription it is a tool, for groups that nobody is a member of, as the broker checks. */
  #checkHeld(offsets: readonly OffsetCommit[]): void {
    if (this.#subscription !== undefined) checkHeld(this.#partitions, offsets)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    const earlier = this.#failure
    this.#failure = undefined
    // Brokers may be away, and nobody waits for the answers any more.
    this.#watch.end()
    this.#client.endQuestions()
    this.#arrival.wake()
    try {
      await this.#leave()
    } finally {
      this.#left = true
      await this.#pump.stop()
      this.#commits.fail(closed('commit', `source '${this.#options.clientId}'`))
      this.#forgetAll()
      await this.#disconnect()
    }
    // Nobody polls any more: a hook that failed meanwhile is told here; what failed before and was never polled for, as well, unless it
    // would have passed.
    this.#failure ??= earlier
    const error = this.#failure?.error
    if (!(error instanceof MillraceError && error.retryable)) this.#throwFailure()
  }

  /**
   * Gives up what is assigned while the client is connected: once it disconnects it commits nothing more, and forgets its own protocol.
   */
  async #leave(): Promise<void> {
    if (this.#subscription === undefined) return
    this.#rebalances.leave()
    // Where the shelf is full, the client is not asked for more, nor for its rebalance.
    this.#shelf.drop(this.#partitions.list())
    for (const read of this.#partitions) read.leaving = true
    this.#subscription.end()
    await this.#client.unsubscribe()
    this.#pump.wake()
    await this.#pump.look()
    const hooksUntil = performance.now() + LEAVE_TIMEOUT_MS
    let revokeUntil = performance.now() + REVOKE_TIMEOUT_MS
    while (!this.#rebalances.done) {
      const leftMs = (this.#rebalances.idle ? revokeUntil : hooksUntil) - performance.now()
      if (leftMs <= 0) {
        this.#logger.warn({ clientId: this.#options.clientId }, 'Partitions were not given up in time: the group will notice by itself')
        return
      }
      await this.#answered.wait(leftMs)
      revokeUntil = performance.now() + REVOKE_TIMEOUT_MS
    }
  }

  async #disconnect(): Promise<void> {
    try {
      await this.#client.close()
    } catch (error) {
      this.#logger.warn({ err: error, clientId: this.#options.clientId }, 'A Kafka consumer did not disconnect in time')
    }
  }

  #forgetAll(): void {
    const partitions = this.#partitions.list()
    this.#shelf.drop(partitions)
    this.#partitions.remove(partitions)
  }

  #onFetchError(error: unknown): void {
    this.#watch.missed()
    const kind = error instanceof ClientError ? error.kind : 'other'
    if (kind === 'offset-out-of-range') this.#watch.suspect(error)
    else if (kind === 'unknown-topic') void this.#tellMissing(error)
    // The client connects again by itself; that it has to is in the log.
    else if (kind === 'unreachable' || kind === 'timed-out' || kind === 'transient')
      this.#logger.debug({ err: error }, 'A fetch failed and is tried again')
    // It has given up its partitions, which comes as a rebalance, and joins again.
    else if (kind === 'poll-too-late')
      this.#logger.warn({ err: error }, 'This process was busy for so long that its group has put it out; it joins again')
    else this.#fail(kafkaError('read', error, { stage: 'source' }))
  }

  /** The client does not say which topic it is that it can't find. */
  async #tellMissing(error: unknown): Promise<void> {
    const topics = new Set([...(this.#subscription?.names ?? []), ...this.#partitions.list().map(({ topic }) => topic)])
    try {
      const missing = await missingTopic(this.#client, [...topics])
      if (this.#closing === undefined)
        this.#fail(
          missing === undefined ? kafkaError('read', error, { stage: 'source', retryable: true }) : unknownTopic('source', missing, true),
        )
    } catch (failure) {
      if (this.#closing === undefined) this.#fail(failure)
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= { error }
    this.#arrival.wake()
  }

  #throwFailure(): void {
    const failure = this.#failure
    if (failure === undefined) return
    this.#failure = undefined
    throw failure.error
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw closed('source', `source '${this.#options.clientId}'`)
  }

  #checkNotLeft(): void {
    if (this.#left) throw closed('commit', `source '${this.#options.clientId}'`)
  }

  #requireGroup(what: string): void {
    if (this.#options.groupId === undefined) throw new TypeError(`'${this.#options.clientId}' has no group: it can't ${what}.`)
  }
}
