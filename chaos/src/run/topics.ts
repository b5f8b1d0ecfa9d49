import {
  deserializeColumn,
  type Serde,
  serializeColumn,
  silentLogger,
  type TopicPartition,
  type Transport,
  type TransportAdmin,
} from '@millrace/core'
import { settledEndOffsets } from 'millrace/testing'

const context = { logger: silentLogger }

export interface Written<K, V> {
  readonly key: K
  readonly value: V
  readonly partition: number
  readonly offset: number
}

export interface Serdes<K, V> {
  readonly key: Serde<K>
  readonly value: Serde<V>
}

/** Creates topics whose records stay. */
export async function createTopics(transport: Transport, topics: readonly string[], partitions: number): Promise<void> {
  await using admin = await transport.openAdmin(context)
  await admin.createTopics(topics.map((topic) => ({ topic, partitions, config: { 'retention.ms': '-1' } })))
}

/** Writes until it is stopped, each batch waited for. */
export class TopicWriter<K, V> {
  readonly #transport: Transport
  readonly #topic: string
  readonly #serdes: Serdes<K, V>

  constructor(transport: Transport, topic: string, serdes: Serdes<K, V>) {
    this.#transport = transport
    this.#topic = topic
    this.#serdes = serdes
  }

  /** Writes what `next` gives until that is undefined. Rejects if a record can't be delivered. */
  async write(next: () => Promise<readonly (readonly [K, V])[] | undefined>): Promise<void> {
    await using writer = await this.#transport.openWriter({ clientId: 'chaos-input' }, context)
    for (let records = await next(); records !== undefined; records = await next()) {
      await writer.writeBatch({
        topic: this.#topic,
        length: records.length,
        keys: serializeColumn(
          this.#serdes.key,
          records.map(([key]) => key),
        ),
        values: serializeColumn(
          this.#serdes.value,
          records.map(([, value]) => value),
        ),
        timestamps: records.map(() => Date.now()),
      })
      const [failure] = await writer.flush()
      if (failure !== undefined) throw failure.error
    }
  }
}

/** Where partitions end when no transaction is open in them any more: one of a killed worker hides what comes behind it, until the broker gives it up. */
async function settledEnds(admin: TransportAdmin, partitions: readonly TopicPartition[]): Promise<Map<number, number>> {
  return new Map((await settledEndOffsets(admin, partitions)).map(({ partition, offset }) => [partition, offset]))
}

/** Everything that is committed in a topic, by partition and offset. */
export async function readTopic<K, V>(transport: Transport, topic: string, { key, value }: Serdes<K, V>): Promise<Written<K, V>[]> {
  await using admin = await transport.openAdmin(context)
  const [description] = await admin.describeTopics([topic])
  if (description === undefined) throw new Error(`There is no topic '${topic}'.`)
  const partitions = Array.from({ length: description.partitions }, (_, partition) => ({ topic, partition }))
  const begins = await admin.beginningOffsets(partitions)
  const ends = await settledEnds(admin, partitions)
  const open = new Set(begins.filter(({ partition, offset }) => offset < (ends.get(partition) ?? 0)).map(({ partition }) => partition))
  await using source = await transport.openSource({ clientId: 'chaos-check', isolation: 'read-committed' }, context)
  await source.assign(begins)
  const written: Written<K, V>[] = []
  while (open.size > 0) {
    const polled = await source.poll(1_000)
    for (const wire of polled.batches) {
      const keys = deserializeColumn(key, wire.keys).values
      const values = deserializeColumn(value, wire.values).values
      for (let i = 0; i < wire.length; i++)
        written.push({ key: keys[i] as K, value: values[i] as V, partition: wire.partition, offset: wire.offsets[i] as number })
      wire.release()
    }
    for (const { partition, offset } of polled.ends) if (offset >= (ends.get(partition) ?? 0)) open.delete(partition)
  }
  return written.sort((one, other) => one.partition - other.partition || one.offset - other.offset)
}
