import { setTimeout as pause } from 'node:timers/promises'
import {
  deserializeColumn,
  type Headers,
  partitionKey,
  type Serde,
  serializeColumn,
  silentLogger,
  type Transport,
  type TransportAdmin,
} from '@millrace/core'
import { settledEndOffsets } from '@millrace/testing'

const context = { logger: silentLogger }

export interface Written<K, V> {
  readonly key: K
  readonly value: V
  readonly timestamp: number
  readonly partition: number
  readonly offset: number
  readonly headers: Headers
}

/** Reads and writes topics through the transport port, as another program would. */
export class LogClient implements AsyncDisposable {
  readonly #transport: Transport
  readonly #admin: TransportAdmin

  private constructor(transport: Transport, admin: TransportAdmin) {
    this.#transport = transport
    this.#admin = admin
  }

  static async open(transport: Transport): Promise<LogClient> {
    return new LogClient(transport, await transport.openAdmin(context))
  }

  get admin(): TransportAdmin {
    return this.#admin
  }

  /** `topics`: how many partitions each. `replicationFactor`: the broker's default if it is not given. */
  async createTopics(topics: Readonly<Record<string, number>>, replicationFactor?: number): Promise<void> {
    // Records of tests may be old: a broker's retention must not take them away.
    const config = { 'retention.ms': '-1' }
    await this.#admin.createTopics(Object.entries(topics).map(([topic, partitions]) => ({ topic, partitions, replicationFactor, config })))
  }

  /** Resolves when they are gone: for a while a broker takes records for what it was told to delete, and drops them with it. */
  async deleteTopics(topics: readonly string[]): Promise<void> {
    await this.#admin.deleteTopics(topics)
    while ((await this.#admin.describeTopics(topics)).length > 0) await pause(20)
  }

  async write<K, V>(
    topic: string,
    serdes: { key: Serde<K>; value: Serde<V> },
    records: readonly { key: K; value: V; timestamp?: number; partition?: number; headers?: Headers }[],
  ): Promise<void> {
    const writer = await this.#transport.openWriter({ clientId: 'test-writer' }, context)
    try {
      await writer.writeBatch({
        topic,
        length: records.length,
        keys: serializeColumn(
          serdes.key,
          records.map(({ key }) => key),
        ),
        values: serializeColumn(
          serdes.value,
          records.map(({ value }) => value),
        ),
        timestamps: records.map(({ timestamp }, i) => timestamp ?? 1_700_000_000_000 + i),
        partitions: records.map(({ partition }) => partition ?? -1),
        headers: records.map(({ headers }) => headers),
      })
      const [failure] = await writer.flush()
      if (failure !== undefined) throw failure.error
    } finally {
      await writer.close()
    }
  }

  /** Everything that is in the topic, by partition and offset, when transactions are over that are open now. */
  async readAll<K, V>(topic: string, serdes: { key: Serde<K>; value: Serde<V> }): Promise<Written<K, V>[]> {
    const [description] = await this.#admin.describeTopics([topic])
    if (description === undefined) throw new Error(`there is no topic ${topic}`)
    const partitions = Array.from({ length: description.partitions }, (_, partition) => ({ topic, partition }))
    const begins = await this.#admin.beginningOffsets(partitions)
    const ends = new Map(
      (await settledEndOffsets(this.#admin, partitions)).map((end) => [partitionKey(end.topic, end.partition), end.offset]),
    )
    const open = new Set(
      begins
        .filter((begin) => begin.offset < (ends.get(partitionKey(begin.topic, begin.partition)) ?? 0))
        .map(({ partition }) => partition),
    )
    const source = await this.#transport.openSource({ clientId: 'test-reader', isolation: 'read-committed' }, context)
    const written: Written<K, V>[] = []
    try {
      await source.assign(begins)
      while (open.size > 0) {
        const polled = await source.poll(1_000)
        for (const wire of polled.batches) {
          const keys = deserializeColumn(serdes.key, wire.keys).values
          const values = deserializeColumn(serdes.value, wire.values).values
          for (let i = 0; i < wire.length; i++) {
            written.push({
              key: keys[i] as K,
              value: values[i] as V,
              timestamp: wire.timestamps[i] as number,
              partition: wire.partition,
              offset: wire.offsets[i] as number,
              headers: wire.headers?.[i] ?? [],
            })
          }
          wire.release()
        }
        for (const { partition, offset } of polled.ends)
          if (offset >= (ends.get(partitionKey(topic, partition)) ?? 0)) open.delete(partition)
      }
    } finally {
      await source.close()
    }
    return written.sort((a, b) => a.partition - b.partition || a.offset - b.offset)
  }

  /** The group's committed offset of each partition of a topic; `undefined` where there is none. */
  async committed(group: string, topic: string): Promise<(number | undefined)[]> {
    const [description] = await this.#admin.describeTopics([topic])
    const partitions = Array.from({ length: description?.partitions ?? 0 }, (_, partition) => ({ topic, partition }))
    const known = await this.#admin.committedOffsets(group, partitions)
    return partitions.map(({ partition }) => known.find((one) => one.partition === partition)?.offset)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admin.close()
  }
}
