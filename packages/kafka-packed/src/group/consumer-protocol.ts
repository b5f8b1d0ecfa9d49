import type { TopicPartition } from '@millrace/core'
import { byTopic } from '../wire/by-topic.ts'

/** What a member tells the leader of its group when it joins. */
export interface Subscription {
  readonly topics: readonly string[]
  readonly owned: readonly TopicPartition[]
  /** In which it was given what it owns; -1: in none. */
  readonly generation: number
  /** Partitions whose state this member has, or follows: see {@link GroupOptions.warm}. */
  readonly warm: readonly TopicPartition[]
}

/** Version of `ConsumerProtocolSubscription` in which members say the generation of what they own; what comes behind it, such as racks, is left out. */
const SUBSCRIPTION_VERSION = 2
const ASSIGNMENT_VERSION = 0

/** As Kafka's own consumers do, so that its tools can read it; `warm` is in the user data, in the same layout as `owned`. */
export function encodeSubscription({ topics, owned, generation, warm }: Subscription): Buffer {
  const out = new Fields().int16(SUBSCRIPTION_VERSION).int32(topics.length)
  for (const topic of topics) out.string(topic)
  return out.bytes(new Fields().partitions(warm).finish()).partitions(owned).int32(generation).finish()
}

/** Throws a `RangeError` when it is cut off. */
export function decodeSubscription(bytes: Buffer): Subscription {
  const from = new FieldReader(bytes)
  const version = from.int16()
  const topics = from.array(() => from.string())
  const userData = from.bytes()
  const owned = version >= 1 ? from.partitions() : []
  const generation = version >= 2 ? from.int32() : -1
  return { topics, owned, generation, warm: userData.length === 0 ? [] : new FieldReader(userData).partitions() }
}

/** What the leader of a group tells a member. */
export interface Assignment {
  readonly partitions: readonly TopicPartition[]
  /** Of how many partitions each topic of the group was shared out, by its name: whoever leads notices when there are others. */
  readonly counts: ReadonlyMap<string, number>
}

/** `counts` is in the user data. */
export function encodeAssignment({ partitions, counts }: Assignment): Buffer {
  const data = new Fields().int32(counts.size)
  for (const [topic, count] of counts) data.string(topic).int32(count)
  return new Fields().int16(ASSIGNMENT_VERSION).partitions(partitions).bytes(data.finish()).finish()
}

/** Empty bytes are no partitions. Throws a `RangeError` when it is cut off. */
export function decodeAssignment(bytes: Buffer): Assignment {
  if (bytes.length === 0) return { partitions: [], counts: new Map() }
  const from = new FieldReader(bytes)
  from.int16()
  const partitions = from.partitions()
  const data = from.bytes()
  if (data.length === 0) return { partitions, counts: new Map() }
  const counts = new FieldReader(data)
  return { partitions, counts: new Map(counts.array(() => [counts.string(), counts.int32()] as const)) }
}

/** The protocol's fields as they were before its flexible versions. */
class Fields {
  readonly #parts: Buffer[] = []

  int16(value: number): this {
    const bytes = Buffer.alloc(2)
    bytes.writeInt16BE(value)
    return this.#add(bytes)
  }

  int32(value: number): this {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(value)
    return this.#add(bytes)
  }

  string(value: string): this {
    const bytes = Buffer.from(value)
    return this.int16(bytes.length).#add(bytes)
  }

  bytes(value: Buffer): this {
    return this.int32(value.length).#add(value)
  }

  partitions(partitions: readonly TopicPartition[]): this {
    const topics = byTopic(partitions)
    this.int32(topics.size)
    for (const [topic, ofTopic] of topics) {
      this.string(topic).int32(ofTopic.length)
      for (const { partition } of ofTopic) this.int32(partition)
    }
    return this
  }

  finish(): Buffer {
    return Buffer.concat(this.#parts)
  }

  #add(bytes: Buffer): this {
    this.#parts.push(bytes)
    return this
  }
}

class FieldReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#take(2))
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#take(4))
  }

  string(): string {
    const length = Math.max(0, this.int16())
    const at = this.#take(length)
    return this.#bytes.toString('utf8', at, at + length)
  }

  /** Null is empty. */
  bytes(): Buffer {
    const length = Math.max(0, this.int32())
    const at = this.#take(length)
    return this.#bytes.subarray(at, at + length)
  }

  array<T>(read: () => T): T[] {
    const length = this.int32()
    // No item is shorter than a byte.
    if (length > this.#bytes.length - this.#at) throw new RangeError('an array has more items than bytes for them')
    const items: T[] = []
    for (let i = 0; i < length; i++) items.push(read())
    return items
  }

  partitions(): TopicPartition[] {
    return this.array(() => {
      const topic = this.string()
      return this.array(() => ({ topic, partition: this.int32() }))
    }).flat()
  }

  #take(length: number): number {
    const at = this.#at
    if (at + length > this.#bytes.length)
      throw new RangeError(`what a member told ends ${at + length - this.#bytes.length} bytes too early`)
    this.#at += length
    return at
  }
}
