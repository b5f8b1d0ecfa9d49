import { randomBytes } from 'node:crypto'
import { silentLogger, type Transport, type TransportAdmin } from '@millrace/core'
import { kafka } from '@millrace/transport-kafka'
import { OFFSETS_TOPIC } from '../check/count-commits.ts'
import { type OpenTopicReader, packedReaderOf } from '../check/topic-reader.ts'
import { fillInput } from '../input/write-records.ts'
import type { InputShape } from '../input/input-shape.ts'

const context = { logger: silentLogger }
const FOREVER = { 'retention.ms': '-1' }
/** As every program here makes, or is given, its changelog. */
const COMPACTED = { 'cleanup.policy': 'compact', 'message.timestamp.type': 'CreateTime', 'delete.retention.ms': '604800000' }

/** A broker, and what is known of it. */
export interface Brokers {
  readonly brokers: string
  /** The same brokers, with a network between that takes its time; undefined where there can be none. */
  readonly distant?: string | undefined
  /** Of brokers on this machine; none where they are elsewhere. */
  readonly processIds: readonly number[]
}

/** The broker of all runs, and the inputs that are there already. */
export class Surroundings implements AsyncDisposable {
  readonly brokers: Brokers
  /** Where programs keep their state. */
  readonly folder: string
  readonly transport: Transport
  /** For what is checked. */
  readonly openReader: OpenTopicReader
  readonly #admin: TransportAdmin
  readonly #prefix = `bench-${randomBytes(3).toString('hex')}`
  readonly #inputs = new Map<string, Promise<string>>()
  #names = 0

  private constructor(brokers: Brokers, folder: string, { transport, admin }: { transport: Transport; admin: TransportAdmin }) {
    this.brokers = brokers
    this.folder = folder
    this.transport = transport
    this.openReader = packedReaderOf(brokers.brokers)
    this.#admin = admin
  }

  static async open(brokers: Brokers, folder: string): Promise<Surroundings> {
    // Not every client here reads what is compressed.
    const transport = kafka({ brokers: brokers.brokers, producer: { 'compression.codec': 'none' } })
    return new Surroundings(brokers, folder, { transport, admin: await transport.openAdmin(context) })
  }

  /** A name that nothing else has. */
  name(what: string): string {
    return `${this.#prefix}-${what}-${++this.#names}`
  }

  /** The topic with this input, which is written when it is first asked for. */
  input(shape: InputShape): Promise<string> {
    const { records, keys, valueBytes, partitions } = shape
    const id = `${records}-${keys}-${valueBytes}-${partitions}`
    let input = this.#inputs.get(id)
    if (input === undefined) {
      input = this.#fill(`${this.#prefix}-input-${id}`, shape)
      this.#inputs.set(id, input)
    }
    return input
  }

  async #fill(topic: string, shape: InputShape): Promise<string> {
    await this.createTopic(topic, shape.partitions, 'kept')
    await fillInput(this.transport, topic, shape)
    return topic
  }

  async createTopic(topic: string, partitions: number, kind: 'kept' | 'compacted'): Promise<void> {
    await this.#admin.createTopics([{ topic, partitions, config: kind === 'kept' ? FOREVER : COMPACTED }])
  }

  /** Of each partition of an input: what a group has committed, or 0, and where it ends. */
  async committed(group: string, topic: string, partitions: number) {
    const all = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))
    const offsets = await this.#admin.committedOffsets(group, all)
    const ends = await this.#admin.endOffsets(all, 'read-uncommitted')
    return ends.map(({ partition, offset: end }) => ({
      partition,
      committed: offsets.find((one) => one.partition === partition)?.offset ?? 0,
      end,
    }))
  }

  /** Of the topic in which brokers keep what groups commit. */
  async offsetsPartitions(): Promise<number> {
    const [topic] = await this.#admin.describeTopics([OFFSETS_TOPIC])
    return topic?.partitions ?? 0
  }

  /** Those of them that are there. */
  async deleteTopics(topics: readonly string[]): Promise<void> {
    const there = await this.#admin.describeTopics(topics)
    if (there.length > 0) await this.#admin.deleteTopics(there.map(({ topic }) => topic))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admin.close()
  }
}
