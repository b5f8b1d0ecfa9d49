import { partitionKey } from '@millrace/core'
import { BatchBuilder, type WritableColumns } from '../records/batch-builder.ts'
import type { PendingBatch } from './pending-batch.ts'
import type { ProducerIdentity } from './producer-identity.ts'
import { AwaitedRecords, type OnDelivered } from './record-delivery.ts'
import { sequenceAfter } from './sequence.ts'
import type { Settlements } from './settlements.ts'
import { splitBatch } from './split-batch.ts'
import type { ResolvedWriterOptions } from './writer-options.ts'

/** As many as a broker remembers of a producer: more could not be told apart from repeats. */
const MAX_IN_FLIGHT = 5

export interface PartitionQueueParts {
  readonly identity: ProducerIdentity
  readonly options: ResolvedWriterOptions
  readonly settlements: Settlements
  /** How many bytes an open batch may take before there are records for them. */
  readonly mostAhead: () => number
}

/** What is to be written to one partition, in order: an open batch, batches that wait, and batches under way. */
export class PartitionQueue {
  readonly topic: string
  readonly partition: number
  readonly key: string
  readonly #options: ResolvedWriterOptions
  readonly #settlements: Settlements
  readonly #mostAhead: () => number
  readonly #waiting: PendingBatch[] = []
  readonly #inFlight: PendingBatch[] = []
  #open: BatchBuilder | undefined
  #openedAt = 0
  #openHeld = 0
  #openAwaited: AwaitedRecords | undefined
  #lastBytes: number | undefined
  #identity: ProducerIdentity
  #nextSequence = 0
  /** To whom the batches under way were sent. */
  #node = -1
  #failures = 0
  #notBefore = -Infinity
  /** The broker knows this identity. Until then it takes any sequence number for the first, so that what overtakes another would push it out. */
  #isKnown = false
  /** A record was lost on the way: what follows needs another identity, once nothing is under way. */
  #isBroken = false

  constructor(topic: string, partition: number, { identity, options, settlements, mostAhead }: PartitionQueueParts) {
    this.topic = topic
    this.partition = partition
    this.key = partitionKey(topic, partition)
    this.#identity = identity
    this.#options = options
    this.#settlements = settlements
    this.#mostAhead = mostAhead
  }

  get failures(): number {
    return this.#failures
  }

  get notBefore(): number {
    return this.#notBefore
  }

  /** Records were lost, so that its sequence numbers are of no use any more. */
  get isBroken(): boolean {
    return this.#isBroken
  }

  get isEmpty(): boolean {
    return this.#open === undefined && this.#waiting.length === 0 && this.#inFlight.length === 0
  }

  /** What follows can't be sent before {@link renew}. */
  get needsIdentity(): boolean {
    return this.#isBroken && this.#inFlight.length === 0
  }

  /** When the open batch has waited long enough, on the monotonic clock. */
  get lingersUntil(): number {
    return this.#open === undefined ? Infinity : this.#openedAt + this.#options.lingerMs
  }

  /** Adds a record, of about so many bytes. Returns whether a batch was finished by it. */
  append(columns: WritableColumns & { readonly onDelivered?: OnDelivered | undefined }, row: number, bytes: number): boolean {
    const { batchBytes, clock } = this.#options
    let isFinished = false
    if (this.#open !== undefined && this.#open.byteLength + bytes > batchBytes) {
      this.seal()
      isFinished = true
    }
    if (this.#open === undefined) {
      // As large as the one before, and a little: most need no more room. Of many partitions each gets little, or rooms would be more than records.
      this.#open = new BatchBuilder(this.#lastBytes === undefined ? undefined : Math.min(this.#lastBytes, this.#mostAhead()))
      this.#openedAt = clock.monotonic()
      this.#openHeld = 0
    }
    const { onDelivered } = columns
    if (onDelivered !== undefined) {
      this.#openAwaited ??= new AwaitedRecords()
      this.#openAwaited.add(this.#open.count, row, onDelivered)
    }
    this.#open.append(columns, row)
    this.#openHeld += bytes
    if (this.#open.byteLength < batchBytes) return isFinished
    this.seal()
    return true
  }

  /** Closes the open batch, so that it can be sent. */
  seal(): void {
    const builder = this.#open
    if (builder === undefined) return
    this.#open = undefined
    this.#lastBytes = Math.ceil(builder.byteLength * 1.05)
    this.#waiting.push({
      sealed: builder.seal(this.#options.compression),
      deadline: this.#openedAt + this.#options.deliveryTimeoutMs,
      held: this.#openHeld,
      round: this.#settlements.begin(),
      awaited: this.#openAwaited,
      sequence: undefined,
      malformedAnswers: 0,
      lastError: undefined,
      isUncertain: false,
    })
    this.#openAwaited = undefined
  }

  /** Whether there is a batch to be sent to this node, and no other comes first. */
  isReady(node: number, now: number): boolean {
    if (this.#waiting.length === 0 || this.#isBroken || this.#notBefore > now) return false
    if (this.#inFlight.length === 0) return true
    // What is under way to a leader before could be overtaken; what failed is tried again before anything new, and alone.
    return this.#node === node && this.#failures === 0 && this.#isKnown && this.#inFlight.length < MAX_IN_FLIGHT
  }

  /** The next batch to be sent to this node, stamped; undefined while there is none, or others come first. */
  take(node: number, now: number): PendingBatch | undefined {
    if (!this.isReady(node, now)) return undefined
    const next = this.#waiting.shift()
    if (next === undefined) return undefined
    if (next.sequence === undefined) {
      next.sequence = this.#nextSequence
      this.#nextSequence = sequenceAfter(this.#nextSequence, next.sealed.count)
    }
    const { producerId, producerEpoch } = this.#identity
    next.sealed.stamp({
      producerId,
      producerEpoch,
      baseSequence: next.sequence,
      isTransactional: this.#options.transactionalId !== undefined,
    })
    this.#node = node
    this.#inFlight.push(next)
    return next
  }

  /** It was written. */
  done(batch: PendingBatch): void {
    this.#remove(batch)
    this.#isKnown = true
    this.#failures = 0
    this.#notBefore = -Infinity
  }

  /** Nothing came of it: it is sent again, with the sequence that it has, before what follows it. */
  retry(batch: PendingBatch, notBefore: number): void {
    this.#remove(batch)
    this.#insert(batch)
    this.#failures++
    this.#notBefore = Math.max(this.#notBefore, notBefore)
  }

  /** Whether all before it was written, as far as is known: so that a broker that misses some has lost it. */
  isFirst(batch: PendingBatch): boolean {
    if (this.#isBroken) return false
    const isBehind = (one: PendingBatch): boolean =>
      one === batch || one.sequence === undefined || isBefore(batch.sequence ?? 0, one.sequence)
    return this.#inFlight.every(isBehind) && this.#waiting.every(isBehind)
  }

  /** It was too large for the broker: it is sent in two halves, which take its sequence. */
  split(batch: PendingBatch): void {
    this.#remove(batch)
    const { sequence = 0, deadline, held, isUncertain, round, awaited } = batch
    const [first, second] = splitBatch(batch.sealed, this.#options.compression)
    this.#settlements.begin(round)
    const common = { deadline, held: held / 2, isUncertain, round, malformedAnswers: 0, lastError: undefined }
    const [ofFirst, ofSecond] = [awaited?.slice(0, first.count), awaited?.slice(first.count)]
    this.#insert({ ...common, sealed: first, sequence, awaited: ofFirst })
    this.#insert({ ...common, sealed: second, sequence: sequenceAfter(sequence, first.count), awaited: ofSecond })
    // What was sent behind it is refused, and comes back.
    this.#failures++
  }

  /** It was surely not written, and can't be under this identity: it goes on, before what follows it, under another. */
  renumber(batch: PendingBatch): void {
    this.#remove(batch)
    this.#insert(batch)
    this.#isBroken = true
  }

  /** It will never be written: what follows has to do without its sequence numbers. False: it is none of this queue any more, and nothing happens. */
  fail(batch: PendingBatch): boolean {
    const waiting = this.#waiting.indexOf(batch)
    if (waiting >= 0) this.#waiting.splice(waiting, 1)
    else if (!this.#remove(batch)) return false
    // One that was never sent has none.
    if (batch.sequence !== undefined) this.#isBroken = true
    return true
  }

  /** Batches that wait, and whose time is over. */
  expired(now: number): PendingBatch[] {
    return this.#waiting.filter(({ deadline }) => deadline <= now)
  }

  /**
   * Goes on under another identity, from its first sequence number on: for this partition alone, since what others have under way would be doubled. Returns the
   * batches that may have been written under the one before, which nobody can tell: they have failed.
   */
  renew(identity: ProducerIdentity): PendingBatch[] {
    const uncertain = this.#waiting.filter(({ isUncertain }) => isUncertain)
    const certain = this.#waiting.filter(({ isUncertain }) => !isUncertain)
    for (const batch of certain) batch.sequence = undefined
    this.#waiting.splice(0, this.#waiting.length, ...certain)
    this.#identity = identity
    this.#nextSequence = 0
    this.#isKnown = false
    this.#isBroken = false
    return uncertain
  }

  /** Everything that is not acknowledged, sent or not: nothing of it is looked after any more. */
  drop(): PendingBatch[] {
    this.seal()
    return [...this.#inFlight.splice(0), ...this.#waiting.splice(0)]
  }

  /** Among those that wait, in the order of sequences. */
  #insert(batch: PendingBatch): void {
    const behind = this.#waiting.findIndex((one) => one.sequence === undefined || isBefore(batch.sequence ?? 0, one.sequence))
    this.#waiting.splice(behind < 0 ? this.#waiting.length : behind, 0, batch)
  }

  /** Whether it was under way. */
  #remove(batch: PendingBatch): boolean {
    const at = this.#inFlight.indexOf(batch)
    if (at >= 0) this.#inFlight.splice(at, 1)
    return at >= 0
  }
}

/** In the order of sequence numbers, which begin again at 0 behind 2^31 - 1. */
function isBefore(one: number, other: number): boolean {
  const ahead = (other - one + 2 ** 31) % 2 ** 31
  return ahead !== 0 && ahead < 2 ** 30
}
