import { partitionKey, type TopicPartition } from '@millrace/core'
import type { OffsetRange } from '../client/kafka-client.ts'

/** A position from which there is no reading on. */
export interface LostPosition {
  /** What the partition holds: the position is outside of it, or what was there is. Undefined: nobody has told. */
  readonly range: OffsetRange | undefined
  /** What the client says of it, if it says that it is about this partition. */
  readonly reason: string | undefined
}

/** An assigned partition, and where reading it stands. */
export interface ReadPartition extends TopicPartition {
  /** What comes next from the client; -1 before the start is known. */
  position: number
  /** By who reads: nothing is handed out. */
  paused: boolean
  /** Paused in the client too, which then reads nothing ahead. */
  held: boolean
  /** Being given up: what still arrives is dropped. */
  leaving: boolean
  /** It belongs to somebody else already: nothing of it is committed. */
  gone: boolean
  /** Records that wait to be handed out. */
  shelved: number
  /** The end reached, to be told behind what waits; -1 if there is none. */
  end: number
  /** The end told last; the same end is told once. */
  toldEnd: number
  /** The client reported the end, and nothing came since. */
  atEnd: boolean
  /** The client may have told the end where nobody heard it. */
  unsure: boolean
  /** Why nothing can be read from the position on. */
  lost: LostPosition | undefined
  /** When the partition, should it stay quiet, is looked after next, and how long after that. */
  lookAt: number
  lookEvery: number
}

/** All assigned partitions. */
export class ReadPartitions {
  readonly #all = new Map<string, ReadPartition>()
  /** Some have been given up, and what the client queued of them, errors among it, may still come: it is not told of whom an error is. */
  trailing = false

  get size(): number {
    return this.#all.size
  }

  [Symbol.iterator](): IterableIterator<ReadPartition> {
    return this.#all.values()
  }

  get({ topic, partition }: TopicPartition): ReadPartition | undefined {
    return this.#all.get(partitionKey(topic, partition))
  }

  /** Assigned, and not read before {@link startAt}. */
  add({ topic, partition }: TopicPartition): ReadPartition {
    const added: ReadPartition = {
      topic,
      partition,
      position: -1,
      paused: true,
      held: false,
      leaving: false,
      gone: false,
      shelved: 0,
      end: -1,
      toldEnd: -1,
      atEnd: false,
      unsure: false,
      lost: undefined,
      lookAt: Infinity,
      lookEvery: 0,
    }
    this.#all.set(partitionKey(topic, partition), added)
    return added
  }

  remove(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) if (this.#all.delete(partitionKey(topic, partition))) this.trailing = true
  }

  list(): TopicPartition[] {
    return Array.from(this.#all.values(), ({ topic, partition }) => ({ topic, partition }))
  }
}

/** How long a partition may be quiet before it is looked after. */
const LOOK_AFTER_MS = 5_000

/** Reading goes on at `offset`: all that was known of the position before is void. */
export function startAt(read: ReadPartition, offset: number): void {
  read.position = offset
  read.end = -1
  read.toldEnd = -1
  read.atEnd = false
  read.unsure = false
  read.lost = undefined
  progressed(read)
}

export function progressed(read: ReadPartition): void {
  read.lookEvery = LOOK_AFTER_MS
  read.lookAt = performance.now() + LOOK_AFTER_MS
}
