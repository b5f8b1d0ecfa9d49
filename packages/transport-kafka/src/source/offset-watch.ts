import { ClientError } from '../client/client-error.ts'
import type { ConsumerClient, OffsetRange } from '../client/kafka-client.ts'
import { kafkaError, offsetOutOfRange } from '../errors/kafka-error.ts'
import type { Pump } from './pump.ts'
import type { Rebalances } from './rebalances.ts'
import { progressed, type ReadPartition, type ReadPartitions } from './read-partition.ts'

/** A partition read to its end is quiet by nature. */
const LOOK_AT_END_MS = 60_000
const LOOK_AT_MOST_EVERY_MS = 600_000

/** An error about some position. */
interface Suspicion {
  readonly error: unknown
  /** It may be about a partition that was given up, or began to be, before it came. */
  readonly trailing: boolean
}

/**
 * Finds partitions that can't be read on because their position is not there any more. The client stops reading such a partition after one
 * error, which does not say which partition it is about, and which is lost if records of others came just before it. So when there is an error,
 * or when a partition has been quiet for long, positions are compared with what the broker has. The client also forgets the ends of partitions
 * that it reached just before an error, and would not tell them again: reading anew at the end makes it.
 */
export class OffsetWatch {
  readonly #client: ConsumerClient
  readonly #groupId: string | undefined
  readonly #partitions: ReadPartitions
  readonly #pump: Pump
  readonly #rebalances: Pick<Rebalances, 'idle' | 'answered'>
  readonly #restart: (read: ReadPartition) => void
  readonly #onFound: () => void
  readonly #onFailure: (error: unknown) => void
  #looking = false
  #ended = false

  constructor(parts: {
    readonly client: ConsumerClient
    readonly groupId: string | undefined
    readonly partitions: ReadPartitions
    readonly pump: Pump
    readonly rebalances: Pick<Rebalances, 'idle' | 'answered'>
    /** Makes the client, which has stopped to read a partition, read it again from its position. */
    readonly restart: (read: ReadPartition) => void
    readonly onFound: () => void
    readonly onFailure: (error: unknown) => void
  }) {
    this.#client = parts.client
    this.#groupId = parts.groupId
    this.#partitions = parts.partitions
    this.#pump = parts.pump
    this.#rebalances = parts.rebalances
    this.#restart = parts.restart
    this.#onFound = parts.onFound
    this.#onFailure = parts.onFailure
  }

  /** From now on nothing is found. */
  end(): void {
    this.#ended = true
  }

  /** Called often. */
  tick(): void {
    if (this.#looking || this.#ended) return
    const now = performance.now()
    const quiet: ReadPartition[] = []
    for (const read of this.#partitions) {
      if (now < read.lookAt || !isRead(read)) continue
      read.lookEvery = Math.min(read.atEnd ? Math.max(read.lookEvery * 2, LOOK_AT_END_MS) : read.lookEvery * 2, LOOK_AT_MOST_EVERY_MS)
      read.lookAt = now + read.lookEvery
      quiet.push(read)
    }
    if (quiet.length > 0) this.#start(quiet)
  }

  /** A fetch has failed: with it, ends may have been forgotten, also of who is at one: ends move past records that are hidden. */
  missed(): void {
    for (const read of this.#partitions) {
      read.unsure = true
      // Soon, and not when one that is quiet by nature is looked after.
      if (read.atEnd) progressed(read)
    }
  }

  /** The client said that a position is gone, be it of which partition. */
  suspect(error: unknown): void {
    const of = error instanceof ClientError ? error.partition : undefined
    if (of === undefined) {
      const all = [...this.#partitions]
      this.#start(all.filter(isRead), { error, trailing: this.#partitions.trailing || all.some(({ leaving }) => leaving) })
      return
    }
    const read = this.#partitions.get(of)
    // What was given up is read by others.
    if (read === undefined || read.leaving || read.position < 0 || read.lost !== undefined) return
    const { position } = read
    void this.#findRange(read).then((range) => {
      if (this.#ended || this.#partitions.get(read) !== read || read.position !== position) return
      // Also where the position is in range: what was there before it is not there any more.
      read.lost = { range, reason: (error as ClientError).message }
      this.#onFound()
    })
  }

  /** Nothing of it where the broker tells nothing; undefined where none answers. */
  async #findRange(read: ReadPartition): Promise<OffsetRange | undefined> {
    try {
      const [range] = await this.#client.offsetRanges([read])
      return range ?? { topic: read.topic, partition: read.partition, from: 0, to: 0 }
    } catch {
      // The client says only once that the position is gone: what is there instead is of less importance.
      return undefined
    }
  }

  /** As long as a position is gone, nothing is read: what others hold would be handed out while this one is stuck without a word. */
  throwLost(): void {
    for (const { lost, paused, topic, partition, position } of this.#partitions) {
      if (lost !== undefined && !paused) throw offsetOutOfRange({ topic, partition, offset: position }, lost, this.#groupId)
    }
  }

  #start(reads: readonly ReadPartition[], suspicion?: Suspicion): void {
    this.#looking = true
    this.#look(reads, suspicion)
      .catch((error: unknown) => {
        // Without an error at the bottom of it, there will be another look.
        if (suspicion !== undefined && !this.#ended)
          this.#onFailure(kafkaError('look up what a partition holds', error, { stage: 'source' }))
      })
      .finally(() => {
        this.#looking = false
      })
  }

  async #look(reads: readonly ReadPartition[], suspicion?: Suspicion): Promise<void> {
    const before = reads.map(({ position }) => position)
    const ranges = await this.#client.offsetRanges(reads)
    if (this.#ended) return
    let found = false
    let givenUp = suspicion?.trailing === true
    reads.forEach((read, i) => {
      if (read.leaving || this.#partitions.get(read) !== read) {
        givenUp = true
        return
      }
      const range = ranges.find(({ topic, partition }) => partition === read.partition && topic === read.topic)
      if (range === undefined || read.position !== before[i]) return
      if (read.position >= range.from && read.position <= range.to) return
      read.lost = { range, reason: undefined }
      found = true
    })
    if (!found && suspicion !== undefined && reads.length > 0) return this.#settle(reads, suspicion.error, givenUp)
    for (const read of reads) if (read.unsure) await this.#pump.exclusively(() => this.#readAnew(read))
    if (found) this.#onFound()
  }

  /** No position is gone, yet some partition has stopped, and it is not known which. */
  async #settle(reads: readonly ReadPartition[], error: unknown, givenUp: boolean): Promise<void> {
    if (!givenUp) {
      this.#onFailure(kafkaError('read on: an offset was out of range, which is none now', error, { stage: 'source' }))
      return
    }
    // Most likely one that has been given up, whose records others process and take away. The others go on, whichever it was: but not in the middle of
    // a rebalance, for whose answer the client would take it.
    for (let restarted = false; !restarted && !this.#ended;) {
      await this.#rebalances.answered()
      restarted = await this.#pump.exclusively(() => this.#rebalances.idle && this.#restartAll(reads))
    }
  }

  #restartAll(reads: readonly ReadPartition[]): boolean {
    for (const read of reads) if (!this.#ended && isRead(read) && this.#partitions.get(read) === read) this.#restart(read)
    return true
  }

  async #readAnew(read: ReadPartition): Promise<void> {
    if (this.#ended || !read.unsure || !isRead(read) || this.#partitions.get(read) !== read) return
    try {
      await this.#client.seek({ topic: read.topic, partition: read.partition, offset: read.position })
      read.unsure = false
    } catch {
      // Its end may still be untold: soon there is another look.
      progressed(read)
    }
  }
}

function isRead(read: ReadPartition): boolean {
  return read.position >= 0 && !read.held && !read.leaving && read.lost === undefined
}
