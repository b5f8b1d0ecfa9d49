import {
  type Logger,
  type OffsetCommit,
  partitionKey,
  type RecordSourceOptions,
  type TopicPartition,
  type TopicPartitionOffset,
} from '@millrace/core'
import type {
  GroupMember,
  GroupMetadata,
  PackedError,
  PackedReader,
  PositionCommit,
  ReadBatch,
  ReadPosition,
  TopicLookup,
} from '@millrace/kafka-packed'
import { ClientError } from '../client/client-error.ts'
import type { ConsumerClient, ConsumerEvents, Fetched, OffsetRange, Rebalance } from '../client/kafka-client.ts'
import { closed } from '../errors/kafka-error.ts'
import { OpenQuestions } from './open-questions.ts'
import { toClientError, translated } from './to-client-error.ts'

const NOTHING: Fetched = Object.freeze({ batches: Object.freeze([]), ends: Object.freeze([]), records: 0 })

export interface PackedConsumerParts {
  readonly reader: PackedReader
  readonly lookup: TopicLookup
  readonly source: RecordSourceOptions
  readonly logger: Logger
  /** Whether the assignor is this client's. */
  readonly assigns: boolean
}

/** Reads through the packed client. */
export class PackedConsumer implements ConsumerClient {
  readonly tellsOnlyInFetch = false
  readonly placesStandbys: boolean
  readonly #reader: PackedReader
  readonly #lookup: TopicLookup
  readonly #source: RecordSourceOptions
  readonly #logger: Logger
  #member: GroupMember | undefined
  #events: ConsumerEvents | undefined
  /** Answers that the group waits for, in the order in which they were asked. */
  readonly #answers: (() => void)[] = []
  /** Told by the next fetches, one each. */
  #failures: unknown[] = []
  /** As they were committed, with the epochs of the records before: see {@link PositionCommit}. */
  readonly #committed = new Map<string, PositionCommit>()
  readonly #questions = new OpenQuestions()
  #isClosed = false

  constructor({ reader, lookup, source, logger, assigns }: PackedConsumerParts) {
    this.placesStandbys = assigns
    this.#reader = reader
    this.#lookup = lookup
    this.#source = source
    this.#logger = logger
  }

  /** The group it is, or may become, a member of. Called once, before anything else. */
  joinAs(member: GroupMember): void {
    this.#member = member
  }

  /** For the group: see {@link GroupMember}. */
  readonly hooks = {
    onAssigned: (partitions: readonly TopicPartition[]) => this.#rebalance({ type: 'assign', partitions }),
    onRevoked: (partitions: readonly TopicPartition[]) => this.#rebalance({ type: 'revoke', partitions }),
    onLost: (partitions: readonly TopicPartition[]) => this.#rebalance({ type: 'lost', partitions }),
    onStandbys: (partitions: readonly TopicPartition[]) => this.#source.standbys?.onPlaced(partitions),
    onMissing: ([topic]: readonly string[]) =>
      this.#fail(new ClientError(`there is no topic '${topic}'`, { kind: 'unknown-topic', code: 3 })),
    onBusy: () => {
      const message = 'the event loop stood still for longer than max.poll.interval.ms'
      this.#fail(new ClientError(message, { kind: 'poll-too-late', code: 0 }))
    },
    onStandInLost: (err: Error) =>
      this.#logger.warn(
        { err },
        'The thread has died that keeps this process in its group while JavaScript is busy for longer than a session',
      ),
    onFailed: (error: PackedError) => this.#fail(toClientError(error)),
  }

  /** For the reader. */
  readonly onArrival = (): void => this.#events?.onReady()

  /** For a transaction of these offsets, that waits so many milliseconds for a rebalance to end: see {@link GroupMember.inPlace}. */
  inPlace<T>(
    offsets: readonly OffsetCommit[],
    use: (place: GroupMetadata, offsets: readonly PositionCommit[]) => Promise<T>,
    patienceMs: number,
  ): Promise<T> {
    return this.#requireMember().inPlace(offsets, (place) => use(place, offsets.map(this.#withEpoch)), patienceMs)
  }

  listen(events: ConsumerEvents): void {
    this.#events = events
  }

  async fetch(maxRecords: number): Promise<Fetched> {
    if (this.#isClosed) return NOTHING
    if (this.#failures.length > 0) throw this.#failures.shift()
    const { batches, ends, failures } = await translated(this.#reader.poll(maxRecords, 0))
    this.#failures.push(...failures.map(({ topic, partition, error }) => toClientError(error, { topic, partition })))
    let records = 0
    for (const { length } of batches) records += length
    return { batches: batches.map(wireBatch), ends, records }
  }

  subscribe(topics: readonly string[]): void {
    this.#requireMember().subscribe(topics)
  }

  /** Resolves at once: what is assigned is asked back meanwhile. */
  unsubscribe(): Promise<void> {
    void this.#requireMember().leave()
    return Promise.resolve()
  }

  assign(positions: readonly TopicPartitionOffset[]): void {
    this.#reader.assign(positions)
  }

  completeAssign(positions: readonly TopicPartitionOffset[]): void {
    this.#reader.add(positions.map((position) => this.#asCommitted(position)))
    this.#answers.shift()?.()
  }

  completeRevoke(partitions: readonly TopicPartition[]): void {
    this.#reader.unassign(partitions)
    // Should they come back, it is with other positions.
    this.#failures = this.#failures.filter((failure) => !isAbout(failure, partitions))
    this.#answers.shift()?.()
  }

  restart(position: TopicPartitionOffset): void {
    this.#reader.seek([position])
  }

  seek(position: TopicPartitionOffset): Promise<void> {
    this.#reader.seek([position])
    return Promise.resolve()
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#reader.pause(this.#read(partitions))
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#reader.resume(this.#read(partitions))
  }

  commit(offsets: readonly OffsetCommit[]): void {
    this.#requireMember()
      .commit(offsets.map(this.#withEpoch))
      .then(
        () => this.#events?.onCommitted(undefined, offsets),
        (error: unknown) => this.#events?.onCommitted(toClientError(error) as ClientError, offsets),
      )
  }

  async committed(partitions: readonly TopicPartition[]): Promise<readonly OffsetCommit[]> {
    const asked = this.#requireMember().committed(partitions, this.#source.isolation === 'read-committed')
    const committed = await translated(this.#questions.ask(asked))
    for (const one of committed) this.#committed.set(partitionKey(one.topic, one.partition), one)
    return committed.map(({ topic, partition, offset, metadata }) => ({
      topic,
      partition,
      offset,
      ...(metadata !== undefined && { metadata }),
    }))
  }

  async offsetRanges(partitions: readonly TopicPartition[]): Promise<readonly OffsetRange[]> {
    const ask = (at: 'beginning' | 'end') => translated(this.#reader.listOffsets(partitions, at, 'read-uncommitted'))
    const [from, to] = [await ask('beginning'), await ask('end')]
    return from.map(({ topic, partition, offset }, i) => ({ topic, partition, from: offset, to: to[i]?.offset ?? Infinity }))
  }

  async existing(topics: readonly string[]): Promise<ReadonlySet<string>> {
    return new Set(await translated(this.#lookup.existing(topics)))
  }

  listTopics(): Promise<readonly string[]> {
    return translated(this.#lookup.all())
  }

  endQuestions(): void {
    this.#lookup.close()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#events = undefined
    for (const answer of this.#answers.splice(0)) answer()
    await Promise.all([this.#member?.leave(), this.#reader.close(), this.#questions.ended()])
    await this.#member?.close()
    this.#lookup.close()
  }

  readonly #withEpoch = (offset: OffsetCommit): PositionCommit => ({ ...offset, ...this.#reader.positionAt(offset) })

  /** Who goes on where the group has read up to notices what the log has lost since. */
  #asCommitted(position: TopicPartitionOffset): ReadPosition {
    const committed = this.#committed.get(partitionKey(position.topic, position.partition))
    return committed?.offset === position.offset ? { ...position, leaderEpoch: committed.leaderEpoch } : position
  }

  /** Waits for the answer. Nobody gives one any more when this is closed. */
  #rebalance(rebalance: Rebalance): Promise<void> {
    return new Promise((resolve) => {
      if (this.#events === undefined) {
        resolve()
        return
      }
      this.#answers.push(resolve)
      this.#events.onRebalance(rebalance)
    })
  }

  #fail(error: unknown): void {
    this.#failures.push(error)
    this.#events?.onReady()
  }

  /** Those that are read: others are paused when they are assigned. */
  #read(partitions: readonly TopicPartition[]): TopicPartition[] {
    const read = new Set(this.#reader.positions().map(({ topic, partition }) => `${topic} ${partition}`))
    return partitions.filter(({ topic, partition }) => read.has(`${topic} ${partition}`))
  }

  #requireMember(): GroupMember {
    if (this.#isClosed || this.#member === undefined) throw closed('source', 'Kafka consumer')
    return this.#member
  }
}

function isAbout(failure: unknown, partitions: readonly TopicPartition[]): boolean {
  const of = failure instanceof ClientError ? failure.partition : undefined
  return of !== undefined && partitions.some(({ topic, partition }) => partition === of.partition && topic === of.topic)
}

function wireBatch(batch: ReadBatch) {
  return { ...batch, release: nothing }
}

/** Its bytes are collected when nobody has them any more. */
function nothing(): void {}
