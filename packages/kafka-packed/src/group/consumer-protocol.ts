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
  /** See {@link GroupOptions.standbys}; replicas 0: it follows nothing. */
  readonly standbys: StandbySubscription
}

export interface StandbySubscription {
  readonly replicas: number
  readonly topics: readonly string[]
}

/** What a member is to have. */
export interface Assigned {
  readonly partitions: TopicPartition[]
  /** Partitions whose state it is to follow. */
  readonly standbys: TopicPartition[]
}

/** What the leader of a group tells a member. */
export interface Assignment extends Assigned {
  /** Of how many partitions each topic of the group was shared out, by its name: whoever leads notices when there are others. */
  readonly counts: ReadonlyMap<string, number>
}

export const NO_STANDBYS: StandbySubscription = Object.freeze({ replicas: 0, topics: Object.freeze([]) })

/** Version of `ConsumerProtocolSubscription` in which members say the generation of what they own; what comes behind it, such as racks, is left out. */
const SUBSCRIPTION_VERSION = 2
const ASSIGNMENT_VERSION = 0

/** As Kafka's own consumers do, so that its tools can read it; `warm` is in the user data, in the same layout as `owned`, and standbys behind it. */
export function encodeSubscription({ topics, owned, generation, warm, standbys }: Subscription): Buffer {
  const out = new Fields().int16(SUBSCRIPTION_VERSION).strings(topics)
  const userData = new Fields().partitions(warm)
  if (standbys.replicas > 0) userData.int32(standbys.replicas).strings(standbys.topics)
  return out.bytes(userData.finish()).partitions(owned).int32(generation).finish()
}

/** Throws a `RangeError` when it is cut off. */
export function decodeSubscription(bytes: Buffer): Subscription {
  const from = new FieldReader(bytes)
  const version = from.int16()
  const topics = from.array(() => from.string())
  const userData = from.bytes()
  const owned = version >= 1 ? from.partitions() : []
  const generation = version >= 2 ? from.int32() : -1
  return { topics, owned, generation, ...decodeUserData(userData) }
}

/** What members of before have not told they have not. */
function decodeUserData(bytes: Buffer): Pick<Subscription, 'warm' | 'standbys'> {
  if (bytes.length === 0) return { warm: [], standbys: NO_STANDBYS }
  const from = new FieldReader(bytes)
  const warm = from.partitions()
  if (from.left === 0) return { warm, standbys: NO_STANDBYS }
  return { warm, standbys: { replicas: from.int32(), topics: from.array(() => from.string()) } }
}

/** `counts` is in the user data, and standbys behind it. */
export function encodeAssignment({ partitions, standbys, counts }: Assignment): Buffer {
  const data = new Fields().int32(counts.size)
  for (const [topic, count] of counts) data.string(topic).int32(count)
  if (standbys.length > 0) data.partitions(standbys)
  return new Fields().int16(ASSIGNMENT_VERSION).partitions(partitions).bytes(data.finish()).finish()
}

/** Of members of any client. Empty bytes are no partitions. Throws a `RangeError` when it is cut off. */
export function decodePartitions(bytes: Buffer): TopicPartition[] {
  if (bytes.length === 0) return []
  const from = new FieldReader(bytes)
  from.int16()
  return from.partitions()
}

/** As {@link encodeAssignment} makes it. Empty bytes are no partitions. Throws a `RangeError` when it is cut off. */
export function decodeAssignment(bytes: Buffer): Assignment {
  if (bytes.length === 0) return { partitions: [], standbys: [], counts: new Map() }
  const from = new FieldReader(bytes)
  from.int16()
  const partitions = from.partitions()
  const data = from.bytes()
  if (data.length === 0) return { partitions, standbys: [], counts: new Map() }
  const told = new FieldReader(data)
  const counts = new Map(told.array(() => [told.string(), told.int32()] as const))
  return { partitions, counts, standbys: told.left === 0 ? [] : told.partitions() }
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

  strings(values: readonly string[]): this {
    this.int32(values.length)
    for (const value of values) this.string(value)
    return this
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

  get left(): number {
    return this.#bytes.length - this.#at
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
    if (length > this.left) throw new RangeError('an array has more items than bytes for them')
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
