import { partitionKey } from '@millrace/core'
import { backoffMs } from '../cluster/backoff.ts'
import { addTo } from '../cluster/by-node.ts'
import type { Cluster, Lane } from '../cluster/cluster.ts'
import { LeaderSearch } from '../cluster/leader-search.ts'
import { WakeTimer } from '../cluster/wake-timer.ts'
import { PackedError } from '../errors/packed-error.ts'
import { CODE, mayPass, refusal } from '../errors/protocol-codes.ts'
import {
  decodeFetch,
  encodeFetch,
  FETCH,
  FETCH_BY_ID,
  type FetchAnswer,
  type FetchedPartition,
  type PartitionAnswer,
} from '../wire/fetch.ts'
import { madeAnew, takeAnswer } from './take-answer.ts'
import type { PartitionFetch } from './partition-fetch.ts'
import type { ResolvedReaderOptions } from './reader-options.ts'
import type { FetchCounts } from './reader-statistics.ts'

/** Two requests at a time to each broker: while one waits for partitions that are idle, others go on. */
const LANES: readonly Lane[] = ['fetch-0', 'fetch-1']
/** For who was given a new place while those are busy: asks for what is there, and waits for nothing. */
const URGENT: Lane = 'fetch-urgent'
const LANES_OF_A_BROKER = LANES.length + 1
/** Answers in a row that can't be read before that is told: one may have been damaged on its way. */
const MALFORMED_ANSWERS = 3
/** So many answers of a partition wait to be polled before it is not asked for more. */
const READ_AHEAD = 2

interface Asked {
  readonly partition: PartitionFetch
  readonly generation: number
  /** It was chosen rather than the leader. */
  readonly isReplica: boolean
}

interface Request {
  readonly asked: readonly Asked[]
  readonly maxBytes: number
}

/**
 * Keeps requests under way for all partitions that have room. {@link schedule} looks what there is to do, and is called whenever that may have changed; what has to
 * wait for time to pass has a timer, so that no partition is forgotten.
 */
export class Fetcher {
  readonly #cluster: Cluster
  readonly #partitions: Map<string, PartitionFetch>
  readonly #options: ResolvedReaderOptions
  readonly #arrived: () => void
  readonly #busy = new Set<string>()
  #reserved = 0
  /** How many brokers are read from. */
  #nodes = 1
  readonly #timer: WakeTimer
  readonly #search: LeaderSearch
  #wantsRefresh = false
  #isClosed = false
  #fatal: PackedError | undefined
  readonly #fetches = new Map<number, FetchCounts>()

  constructor(cluster: Cluster, partitions: Map<string, PartitionFetch>, options: ResolvedReaderOptions, arrived: () => void) {
    this.#cluster = cluster
    this.#partitions = partitions
    this.#options = options
    this.#arrived = arrived
    this.#timer = new WakeTimer(options.clock, () => this.schedule())
    this.#search = new LeaderSearch(cluster, {
      partitions,
      clock: options.clock,
      onRefused: (error) => {
        this.#fatal = error
      },
      onDone: () => {
        this.#tellRefused()
        this.#goOn()
      },
    })
  }

  /** What keeps everything from being read, and does not pass by itself. */
  get fatal(): PackedError | undefined {
    return this.#fatal
  }

  /** By the broker's id. */
  get counts(): ReadonlyMap<number, FetchCounts> {
    return this.#fetches
  }

  /** Waits to be polled, as it arrived. */
  get bufferedBytes(): number {
    let bytes = 0
    for (const partition of this.#partitions.values()) bytes += partition.bufferedBytes
    return bytes
  }

  close(): void {
    this.#isClosed = true
    this.#timer.cancel()
    this.#search.close()
  }

  schedule(): void {
    if (this.#isClosed || this.#fatal !== undefined) return
    const now = this.#options.clock.monotonic()
    const byNode = new Map<number, PartitionFetch[]>()
    const nodes = new Set<number>()
    let isLeaderless = false
    for (const partition of this.#partitions.values()) {
      nodes.add(partition.node)
      if (!this.#hasRoom(partition)) continue
      if (partition.notBefore > now) {
        this.#timer.at(partition.notBefore)
        continue
      }
      const node = this.#nodeOf(partition, now)
      if (node === undefined) isLeaderless = true
      else addTo(byNode, node, partition)
    }
    for (const node of byNode.keys()) nodes.add(node)
    nodes.delete(-1)
    this.#nodes = Math.max(1, nodes.size)
    for (const [node, partitions] of byNode) this.#fetchFrom(node, partitions)
    if (this.#wantsRefresh || this.#cluster.isStale) this.#findLeaders()
    else if (isLeaderless) this.#search.beginForLeaderless()
  }

  /** A topic that this client may not see has no leaders for it, and will have none. One that is not there may be about to be made, but not for ever. */
  #tellRefused(): void {
    const now = this.#options.clock.monotonic()
    for (const partition of this.#partitions.values()) {
      const { topic, error } = partition
      const code = this.#cluster.metadata.codeOf(topic) ?? 0
      partition.missingSince = code === CODE.unknownTopic ? (partition.missingSince ?? now) : undefined
      if (code === 0 || error !== undefined) continue
      const refused = refusal(code, `tell who leads ${topic}-${partition.partition}`)
      const isMissing = now - (partition.missingSince ?? now) >= this.#options.connect.requestTimeoutMs
      const isRefused = !mayPass(refused) && this.#cluster.metadata.leadership(topic, partition.partition) === undefined
      if (isMissing || isRefused) partition.error = refused
    }
  }

  #hasRoom({ isPaused, isInFlight, error, bufferedBytes }: PartitionFetch): boolean {
    return !isPaused && !isInFlight && error === undefined && bufferedBytes < READ_AHEAD * this.#options.maxPartitionBytes
  }

  #nodeOf(partition: PartitionFetch, now: number): number | undefined {
    const { replica, topic } = partition
    // Not for good: the leader says again where to read, or reads for itself.
    if (replica !== undefined && replica.until > now && this.#cluster.metadata.brokers.has(replica.node)) return replica.node
    partition.replica = undefined
    return this.#cluster.metadata.leaderOf(topic, partition.partition)
  }

  #fetchFrom(node: number, partitions: readonly PartitionFetch[]): void {
    const lane = LANES.find((one) => !this.#busy.has(`${node} ${one}`))
    if (lane !== undefined) this.#begin(node, lane, partitions)
    else if (!this.#busy.has(`${node} ${URGENT}`)) {
      const urgent = partitions.filter(({ isUrgent }) => isUrgent)
      if (urgent.length > 0) this.#begin(node, URGENT, urgent)
    }
  }

  #begin(node: number, lane: Lane, partitions: readonly PartitionFetch[]): void {
    const { maxPartitionBytes, maxFetchBytes, maxBufferedBytes } = this.#options
    // A request holds its room while it waits for records: of all that may wait at a time, none takes another's.
    const share = Math.max(1, Math.floor(maxBufferedBytes / (this.#nodes * LANES_OF_A_BROKER)))
    const least = Math.min(share, maxPartitionBytes)
    if (this.#reserved + this.bufferedBytes + least > maxBufferedBytes) this.#dropPaused()
    const held = this.#reserved + this.bufferedBytes
    const room = maxBufferedBytes - held
    // Polling makes room, and schedules.
    if (room < least && held > 0) return
    const maxBytes = Math.min(maxFetchBytes, share, Math.max(room, least), partitions.length * maxPartitionBytes)
    const asked = partitions.map((partition) => ({
      partition,
      generation: partition.generation,
      isReplica: partition.replica !== undefined,
    }))
    for (const partition of partitions) {
      partition.node = node
      partition.isInFlight = true
      partition.isUrgent = false
    }
    this.#busy.add(`${node} ${lane}`)
    this.#reserved += maxBytes
    void this.#run(node, lane, { asked, maxBytes })
  }

  /** What is paused keeps what was read ahead as long as nobody else needs the room. */
  #dropPaused(): void {
    for (const partition of this.#partitions.values()) if (partition.isPaused && partition.bufferedBytes > 0) partition.drop()
  }

  /** One request and what comes of it. Never rejects. */
  async #run(node: number, lane: Lane, request: Request): Promise<void> {
    const { asked, maxBytes } = request
    try {
      await this.#fetch(node, lane, request)
    } catch (error) {
      this.#failed(asked, error)
    }
    this.#busy.delete(`${node} ${lane}`)
    this.#reserved -= maxBytes
    for (const { partition, generation } of asked) if (partition.generation === generation) partition.isInFlight = false
    this.#goOn()
  }

  #goOn(): void {
    if (this.#isClosed) return
    this.#arrived()
    this.schedule()
  }

  #findLeaders(): void {
    // What is asked already may have been answered before it was wanted.
    if (this.#search.isUnderWay) return
    this.#wantsRefresh = false
    this.#search.begin()
  }

  async #fetch(node: number, lane: Lane, { asked, maxBytes }: Request): Promise<void> {
    const connection = await this.#cluster.connection(node, lane)
    const { isolation, rack, maxWaitMs, minBytes } = this.#options
    // While the connection was made some may have been sought or paused.
    const current = asked.filter(({ partition, generation }) => partition.generation === generation)
    const byId = connection.speaks(FETCH_BY_ID.key, FETCH_BY_ID.version) && current.every((one) => this.#idOf(one.partition) !== undefined)
    const wanted = byId ? current : current.filter((one) => !this.#failMadeAnew(one.partition))
    if (wanted.length === 0) return
    const request = encodeFetch(
      {
        maxWaitMs: lane === URGENT ? 0 : maxWaitMs,
        minBytes,
        maxBytes,
        readCommitted: isolation === 'read-committed',
        rack,
        partitions: wanted.map((one) => this.#wanted(one.partition, byId)),
      },
      byId,
    )
    const call = { ...(byId ? FETCH_BY_ID : FETCH), parts: [request] }
    const answer = await connection.send<FetchAnswer>({ ...call, decode: (bytes) => decodeFetch(bytes, byId) })
    if (answer.code !== 0) throw refusal(answer.code, 'answer a fetch')
    const { answers: before, bytes } = this.#fetches.get(node) ?? { answers: 0, bytes: 0 }
    const more = answer.partitions.reduce((sum, { records }) => sum + (records?.length ?? 0), 0)
    this.#fetches.set(node, { answers: before + 1, bytes: bytes + more })
    const answers = new Map(answer.partitions.map((one) => [partitionKey(one.topic, one.partition), one]))
    for (const one of wanted) {
      const { partition, generation } = one
      if (partition.generation !== generation) continue
      const name = (byId ? this.#idOf(partition) : undefined) ?? partition.topic
      const ofPartition = answers.get(partitionKey(name, partition.partition))
      if (ofPartition === undefined) this.#later(partition)
      else await this.#take(one, ofPartition)
    }
    if (answer.throttleMs > 0) await this.#cluster.delay(answer.throttleMs)
  }

  /** Of the topic as it is read, whatever it is by now. */
  #idOf({ topicId, topic }: PartitionFetch): string | undefined {
    return topicId ?? this.#cluster.metadata.idOf(topic)
  }

  #isMadeAnew({ topicId, topic }: PartitionFetch): boolean {
    return topicId !== undefined && topicId !== (this.#cluster.metadata.idOf(topic) ?? topicId)
  }

  /** Where brokers are asked by name, only what they tell of topics says that this is another one. */
  #failMadeAnew(partition: PartitionFetch): boolean {
    if (!this.#isMadeAnew(partition)) return false
    partition.error = madeAnew(partition)
    return true
  }

  #wanted(of: PartitionFetch, byId: boolean): FetchedPartition {
    const { topic, partition, fetchOffset } = of
    return {
      topic: (byId ? this.#idOf(of) : undefined) ?? topic,
      partition,
      leaderEpoch: this.#cluster.metadata.leadership(topic, partition)?.epoch ?? -1,
      offset: fetchOffset,
      fetchedEpoch: of.epochBefore(fetchOffset),
      maxBytes: this.#options.maxPartitionBytes,
    }
  }

  async #take({ partition, generation, isReplica }: Asked, answer: PartitionAnswer): Promise<void> {
    const { brokers } = this.#cluster.metadata
    const context = { options: this.#options, generation, isReplica, isMadeAnew: this.#isMadeAnew(partition), brokers }
    const outcome = await takeAnswer(partition, answer, context)
    if (outcome === 'again') this.#later(partition)
    else if (outcome === 'good') {
      partition.failures = partition.malformedAnswers = 0
      partition.topicId = this.#idOf(partition)
    }
    this.#arrived()
  }

  /** Nothing came of a request: its partitions are asked for again where their leader is by then. */
  #failed(asked: readonly Asked[], thrown: unknown): void {
    if (this.#isClosed) return
    const error = thrown instanceof PackedError ? thrown : unexpected(thrown)
    // A broker that lets nobody in, or speaks no version of ours, will not do so later.
    if (error.kind === 'authentication' || error.kind === 'unsupported') this.#fatal = error
    for (const { partition, generation } of asked) {
      // Sought meanwhile, it is another's failure.
      if (partition.generation !== generation) continue
      partition.malformedAnswers = error.kind === 'malformed' ? partition.malformedAnswers + 1 : 0
      if (partition.malformedAnswers >= MALFORMED_ANSWERS || error !== thrown) partition.error = error
      else this.#later(partition)
    }
  }

  #later(partition: PartitionFetch): void {
    partition.replica = undefined
    partition.failures++
    partition.notBefore = this.#options.clock.monotonic() + backoffMs(partition.failures)
    this.#wantsRefresh = true
  }
}

/** A mistake of this client, which would be made again. */
function unexpected(thrown: unknown): PackedError {
  return new PackedError(`A request for records could not be made, or its answer not be taken: ${String(thrown)}`, {
    kind: 'other',
    cause: thrown,
  })
}
