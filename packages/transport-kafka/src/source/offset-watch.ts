import type { ConsumerClient } from '../client/kafka-client.ts'
import { kafkaError, offsetOutOfRange } from '../errors/kafka-error.ts'
import type { Pump } from './pump.ts'
import { progressed, type ReadPartition, type ReadPartitions } from './read-partition.ts'

/** A partition read to its end is quiet by nature. */
const LOOK_AT_END_MS = 60_000
const LOOK_AT_MOST_EVERY_MS = 600_000

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
  readonly #onFound: () => void
  readonly #onFailure: (error: unknown) => void
  #looking = false
  #ended = false

  constructor(parts: {
    readonly client: ConsumerClient
    readonly groupId: string | undefined
    readonly partitions: ReadPartitions
    readonly pump: Pump
    readonly onFound: () => void
    readonly onFailure: (error: unknown) => void
  }) {
    this.#client = parts.client
    this.#groupId = parts.groupId
    this.#partitions = parts.partitions
    this.#pump = parts.pump
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
    if (quiet.length > 0) this.#start(quiet, undefined)
  }

  /** A fetch has failed: with it, ends may have been forgotten. */
  missed(): void {
    for (const read of this.#partitions) read.unsure ||= !read.atEnd
  }

  /** The client said that some position is gone. */
  suspect(error: unknown): void {
    this.#start([...this.#partitions].filter(isRead), error)
  }

  /** As long as a position is gone, nothing is read: what others hold would be handed out while this one is stuck without a word. */
  throwLost(): void {
    for (const { lost, paused, topic, partition, position } of this.#partitions) {
      if (lost !== undefined && !paused) throw offsetOutOfRange({ topic, partition, offset: position }, lost, this.#groupId)
    }
  }

  #start(reads: readonly ReadPartition[], reason: unknown): void {
    this.#looking = true
    this.#look(reads, reason)
      .catch((error: unknown) => {
        // Without an error at the bottom of it, there will be another look.
        if (reason !== undefined && !this.#ended) this.#onFailure(kafkaError('look up what a partition holds', error, { stage: 'source' }))
      })
      .finally(() => {
        this.#looking = false
      })
  }

  async #look(reads: readonly ReadPartition[], reason: unknown): Promise<void> {
    const before = reads.map(({ position }) => position)
    const ranges = await this.#client.offsetRanges(reads)
    if (this.#ended) return
    let found = false
    let givenUp = false
    reads.forEach((read, i) => {
      if (read.leaving || this.#partitions.get(read) !== read) {
        givenUp = true
        return
      }
      const range = ranges.find(({ topic, partition }) => partition === read.partition && topic === read.topic)
      if (range === undefined || read.position !== before[i]) return
      if (read.position >= range.from && read.position <= range.to) return
      read.lost = range
      found = true
    })
    for (const read of reads) if (read.unsure) await this.#pump.exclusively(() => this.#readAnew(read))
    if (found) this.#onFound()
    // Unless it was about a partition that has been given up meanwhile, some partition has stopped, and it is not known which.
    else if (reason !== undefined && !givenUp && reads.length > 0)
      this.#onFailure(kafkaError('read on: an offset was out of range, which is none now', reason, { stage: 'source' }))
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
