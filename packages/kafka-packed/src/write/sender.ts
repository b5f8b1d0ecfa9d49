import type { TopicPartition } from '@millrace/core'
import { backoffMs } from '../cluster/backoff.ts'
import type { BrokerConnection } from '../cluster/broker-connection.ts'
import { addTo } from '../cluster/by-node.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { LeaderSearch } from '../cluster/leader-search.ts'
import { WakeTimer } from '../cluster/wake-timer.ts'
import { PackedError, type PackedErrorDetails } from '../errors/packed-error.ts'
import { CODE, mayBeWritten, mayPass, refusal } from '../errors/protocol-codes.ts'
import { decodeProduce, encodeProduce, PRODUCE, PRODUCE_ADDING, type ProduceAnswer, type ProducedAnswer } from '../wire/produce.ts'
import { newIdentity } from './producer-identity.ts'
import type { PartitionQueue } from './partition-queue.ts'
import type { PendingBatch } from './pending-batch.ts'
import type { ResolvedWriterOptions } from './writer-options.ts'
import { noCounts, type WriterCounts } from './writer-statistics.ts'

/** To one broker: each partition has one batch in a request, so this bounds those of a partition, too. */
const MAX_REQUESTS = 5
/** Of a request; a broker refuses those beyond `socket.request.max.bytes`, 100 MiB by default. */
const MAX_REQUEST_BYTES = 8 * 1024 * 1024
/** Answers in a row that can't be read before records have failed by it: one may have been damaged on its way. */
const MALFORMED_ANSWERS = 3
/** Between two looks at whose time is over, in milliseconds. */
const EXPIRY_MS = 1_000

/** Told what came of batches. */
export interface SenderEvents {
  /** It waits no more: it was written, or has failed. */
  readonly onSettled: (queue: PartitionQueue, batch: PendingBatch, outcome: BatchOutcome) => void
  /** Nothing can be written any more: see {@link Sender.fatal}. */
  readonly onFatal: () => void
  /** A batch was taken up: another partition may be better for records without a key. */
  readonly onSent: (queue: PartitionQueue) => void
}

/** What a sender asks of the transaction that everything is written in. */
export interface SendingTransaction {
  readonly transactionalId: string
  /** Whether partitions take part by being written to. */
  readonly isAdding: boolean
  /** Set: nothing more is sent, and what waits has failed by it. */
  readonly failure: PackedError | undefined
  /** Whether a partition takes part; if it does not, it will, and `schedule` is called then. */
  admits(partition: TopicPartition): boolean
}

/** Where the first record of a batch is, or why the batch was not written. */
export type BatchOutcome = { readonly baseOffset: number; readonly error?: undefined } | BatchFailure

export interface SenderParts {
  readonly options: ResolvedWriterOptions
  readonly events: SenderEvents
  /** Absent: no transactions. */
  readonly transaction: SendingTransaction | undefined
}

/** Why a batch was not written. */
export interface BatchFailure {
  readonly error: PackedError
  /** The records that the broker found wrong, by their place in the batch; absent: it named none. */
  readonly refused?: ProducedAnswer['refused']
}

interface Sent {
  readonly queue: PartitionQueue
  readonly batch: PendingBatch
}

/** Sends what waits in the queues, to whoever leads, until it is acknowledged. {@link schedule} looks what there is to do. */
export class Sender {
  readonly #cluster: Cluster
  readonly #queues: ReadonlyMap<string, PartitionQueue>
  readonly #options: ResolvedWriterOptions
  readonly #events: SenderEvents
  readonly #transaction: SendingTransaction | undefined
  readonly #requests = new Map<number, number>()
  /** The connection that the request before got, by broker. */
  readonly #turns = new Map<number, Promise<unknown>>()
  readonly #timer: WakeTimer
  readonly #search: LeaderSearch
  readonly counts: WriterCounts = noCounts()
  #isRenewing = false
  #isClosed = false
  #fatal: PackedError | undefined

  constructor(cluster: Cluster, queues: ReadonlyMap<string, PartitionQueue>, { options, events, transaction }: SenderParts) {
    this.#cluster = cluster
    this.#transaction = transaction
    this.#queues = queues
    this.#options = options
    this.#events = events
    this.#timer = new WakeTimer(options.clock, () => this.schedule())
    this.#search = new LeaderSearch(cluster, {
      partitions: queues,
      clock: options.clock,
      onRefused: (error) => this.end(error),
      onDone: () => {
        this.#failRefused()
        this.schedule()
      },
    })
  }

  /** Why nothing can be written any more. */
  get fatal(): PackedError | undefined {
    return this.#fatal
  }

  close(): void {
    this.#isClosed = true
    this.#timer.cancel()
    this.#search.close()
  }

  schedule(): void {
    if (this.#isClosed || this.#fatal !== undefined) return
    const now = this.#options.clock.monotonic()
    const byNode = new Map<number, PartitionQueue[]>()
    let isLeaderless = false
    let needsIdentity = false
    for (const queue of this.#queues.values()) {
      if (queue.isEmpty && !queue.needsIdentity) continue
      if (queue.lingersUntil <= now) queue.seal()
      this.#expire(queue, now)
      needsIdentity ||= queue.needsIdentity && this.#transaction === undefined
      this.#timer.at(Math.min(queue.lingersUntil, now + EXPIRY_MS))
      if (queue.notBefore > now) this.#timer.at(queue.notBefore)
      const leader = this.#cluster.metadata.leaderOf(queue.topic, queue.partition)
      if (leader === undefined) isLeaderless = true
      else addTo(byNode, leader, queue)
    }
    for (const [node, queues] of byNode) this.#sendTo(node, queues, now)
    if (this.#cluster.isStale) this.refresh()
    else if (isLeaderless) this.#search.beginForLeaderless()
    if (needsIdentity) void this.#renew()
  }

  /** Asks who leads by now; one at a time. */
  refresh(): void {
    if (!this.#isClosed) this.#search.begin()
  }

  #sendTo(node: number, queues: readonly PartitionQueue[], now: number): void {
    for (let requests = this.#requests.get(node) ?? 0; requests < MAX_REQUESTS; requests++) {
      const sent: Sent[] = []
      let bytes = 0
      for (const queue of queues) {
        if (bytes >= MAX_REQUEST_BYTES) break
        if (!queue.isReady(node, now) || this.#transaction?.admits(queue) === false) continue
        const batch = queue.take(node, now)
        if (batch === undefined) continue
        sent.push({ queue, batch })
        bytes += batch.sealed.bytes.length
        this.#events.onSent(queue)
      }
      if (sent.length === 0) return
      this.counts.requests++
      this.#requests.set(node, requests + 1)
      void this.#send(node, sent)
    }
  }

  /** Never rejects. */
  async #send(node: number, sent: readonly Sent[]): Promise<void> {
    const answer = await this.#ask(node, sent)
    // Who closes has told what became of them.
    if (this.#isClosed) return
    if (answer !== undefined) {
      const answers = new Map(answer.partitions.map((one) => [`${one.topic} ${one.partition}`, one]))
      for (const one of sent) this.#answered(one, answers.get(one.queue.key))
    }
    this.#requests.set(node, (this.#requests.get(node) ?? 1) - 1)
    this.schedule()
  }

  async #ask(node: number, sent: readonly Sent[]): Promise<ProduceAnswer | undefined> {
    let wasSent = false
    try {
      const connection = await this.#connectionInTurn(node)
      if (this.#putBackExpired(sent)) return undefined
      const partitions = sent.map(({ queue: { topic, partition }, batch }) => ({ topic, partition, records: batch.sealed.bytes }))
      const transactionalId = this.#transaction?.transactionalId ?? null
      const parts = encodeProduce(partitions, this.#options.connect.requestTimeoutMs, transactionalId)
      const api = this.#transaction?.isAdding === true ? PRODUCE_ADDING : PRODUCE
      wasSent = true
      return await connection.send<ProduceAnswer>({ ...api, parts, decode: decodeProduce })
    } catch (error) {
      this.#unanswered(sent, error as PackedError, wasSent)
      return undefined
    }
  }

  /** A process may have stood still since they were taken: what has expired may be somebody else's by now. {@link schedule} looks which of them that is. */
  #putBackExpired(sent: readonly Sent[]): boolean {
    const now = this.#options.clock.monotonic()
    if (sent.every(({ batch }) => batch.deadline > now)) return false
    for (const { queue, batch } of sent) queue.retry(batch, now)
    return true
  }

  /** In the order of the calls, also while a connection is made: requests must not overtake each other. */
  #connectionInTurn(node: number): Promise<BrokerConnection> {
    const connection = (this.#turns.get(node) ?? Promise.resolve()).then(() => this.#cluster.connection(node, 'produce'))
    this.#turns.set(
      node,
      connection.catch(() => undefined),
    )
    return connection
  }

  #answered(sent: Sent, answer: ProducedAnswer | undefined): void {
    const { queue, batch } = sent
    if (answer === undefined) {
      batch.isUncertain = true
      this.#retry(sent, unsaid(queue))
      return
    }
    const { code, topic, partition, message, baseOffset } = answer
    const refused = answer.refused.filter(({ index }) => index >= 0 && index < batch.sealed.count)
    if (code === CODE.none || code === CODE.duplicateSequence) {
      queue.done(batch)
      this.counts.batches++
      this.counts.records += batch.sealed.count
      this.counts.bytes += batch.sealed.bytes.length
      this.#events.onSettled(queue, batch, { baseOffset })
      return
    }
    // The leader may have it, and may have passed it on.
    batch.isUncertain ||= mayBeWritten(code)
    const isFenced = code === CODE.producerFenced || (code === CODE.invalidProducerEpoch && this.#transaction !== undefined)
    if (isFenced) this.end(fenced())
    const isTooLarge = code === CODE.messageTooLarge || code === CODE.recordListTooLarge
    const error = refusal(code, `write to ${topic}-${partition}${message === null ? '' : ` (${message})`}`)
    if (isTooLarge && batch.sealed.count > 1) queue.split(batch)
    else if (mayPass(error) || code === CODE.corruptMessage) this.#retry(sent, error)
    // What is missing is on its way, unless nothing is.
    else if (error.kind === 'sequence-broken' && !queue.isFirst(batch)) this.#retry(sent, error)
    // The broker has forgotten what this writer wrote. Under another identity it takes what is surely not written.
    else if (error.kind === 'sequence-broken' && !batch.isUncertain && this.#transaction === undefined) this.#renumber(sent)
    else this.#fail(sent, { error, ...(refused.length > 0 && { refused }) })
  }

  #unanswered(sent: readonly Sent[], error: PackedError, wasSent: boolean): void {
    if (this.#isClosed) return
    if (error.kind === 'authentication' || error.kind === 'unsupported') this.end(error)
    for (const one of sent) {
      one.batch.isUncertain ||= wasSent
      const isHopeless = error.kind === 'malformed' && ++one.batch.malformedAnswers >= MALFORMED_ANSWERS
      if (isHopeless) this.#fail(one, { error })
      else this.#retry(one, error)
    }
  }

  /** A topic that this client may not see has no leaders for it, and will have none. */
  #failRefused(): void {
    for (const queue of this.#queues.values()) {
      const error = this.#refusalOf(queue)
      if (error === undefined || queue.isEmpty || mayPass(error)) continue
      if (this.#cluster.metadata.leadership(queue.topic, queue.partition) !== undefined) continue
      queue.seal()
      for (const batch of queue.expired(Infinity)) this.#fail({ queue, batch }, { error })
    }
  }

  #retry({ queue, batch }: Sent, error: PackedError): void {
    this.counts.retries++
    batch.lastError = error
    queue.retry(batch, this.#options.clock.monotonic() + backoffMs(queue.failures + 1))
    this.refresh()
  }

  /** Once nothing is under way any more: {@link schedule} looks. */
  #renumber({ queue, batch }: Sent): void {
    this.counts.retries++
    queue.renumber(batch)
  }

  /** Of several that fail together: what is told of the first may have made the others fail. */
  #fail({ queue, batch }: Sent, failure: BatchFailure): void {
    if (queue.fail(batch)) this.#events.onSettled(queue, batch, failure)
  }

  /** Nothing can be written any more. */
  end(error: PackedError): void {
    this.#fatal ??= error
    this.#events.onFatal()
  }

  #expire(queue: PartitionQueue, now: number): void {
    const failure = this.#transaction?.failure
    if (failure !== undefined) {
      queue.seal()
      for (const batch of queue.expired(Infinity)) this.#fail({ queue, batch }, { error: failure })
    }
    for (const batch of queue.expired(now)) {
      const message = `could not be delivered within ${this.#options.deliveryTimeoutMs} ms.`
      // A topic that was deleted does not come back by trying again.
      const cause = batch.lastError ?? this.#refusalOf(queue)
      const details = cause?.kind === 'unknown-topic' ? ({ kind: cause.kind, code: cause.code } as const) : ({ kind: 'timed-out' } as const)
      this.#fail({ queue, batch }, { error: undelivered(queue, message, { ...details, cause }) })
    }
  }

  /** What the cluster says where it is asked who leads; undefined: nothing is wrong with the topic. */
  #refusalOf({ topic, partition }: PartitionQueue): PackedError | undefined {
    const code = this.#cluster.metadata.codeOf(topic) ?? 0
    return code === 0 ? undefined : refusal(code, `tell who leads ${topic}-${partition}`)
  }

  /** One identity for all that need another now. Never rejects. */
  async #renew(): Promise<void> {
    if (this.#isRenewing) return
    this.#isRenewing = true
    try {
      const identity = await newIdentity(this.#cluster)
      for (const queue of this.#queues.values()) {
        if (!queue.needsIdentity) continue
        for (const batch of queue.renew(identity)) this.#events.onSettled(queue, batch, { error: uncertain(queue) })
      }
    } catch (error) {
      if (!(error as PackedError).retriable) this.end(error as PackedError)
      await this.#cluster.delay(backoffMs(1))
    }
    this.#isRenewing = false
    this.schedule()
  }
}

/** Another has taken over, or the broker has ended the transaction because it took too long. */
export function fenced(): PackedError {
  const message = 'Another writer has taken over this transactional id, or the transaction took longer than it may: this writer is over.'
  return new PackedError(message, { kind: 'fenced', code: CODE.producerFenced })
}

/** Why records were given up: `message` completes "Records for ... ". */
export function undelivered({ topic, partition }: TopicPartition, message: string, details: PackedErrorDetails): PackedError {
  const { cause } = details
  const last = cause instanceof PackedError ? ` What was said last: ${cause.message}` : ''
  return new PackedError(`Records for ${topic}-${partition} ${message}${last}`, details)
}

function unsaid({ topic, partition }: PartitionQueue): PackedError {
  return new PackedError(`The broker has answered, and said nothing of ${topic}-${partition}.`, { kind: 'malformed' })
}

function uncertain({ topic, partition }: PartitionQueue): PackedError {
  const message = `Whether records for ${topic}-${partition} were written can't be told: they were sent and not answered, and records before them were lost.`
  return new PackedError(message, { kind: 'sequence-broken' })
}
