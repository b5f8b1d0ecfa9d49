import {
  type BytesColumn,
  deserializeColumn,
  type Headers,
  type RecordSource,
  type RecordWriter,
  type Serde,
  serializeColumn,
  type StreamRecord,
  type TopicPartition,
} from '@millrace/core'

/** What is sent to a topic: a timestamp in milliseconds (default: the driver's clock), headers (default: none), a partition (default: by key). */
export interface TestRecord<K, V> {
  readonly key: K
  readonly value: V
  /** Milliseconds since the epoch. Default: the driver's clock. */
  readonly timestamp?: number | undefined
  /** Default: none. */
  readonly headers?: Headers | undefined
  /** Default: by key, as Kafka's default partitioner. */
  readonly partition?: number | undefined
}

/** How keys and values of a topic are written and read. */
export interface TopicSerdes<K, V> {
  readonly key: Serde<K>
  readonly value: Serde<V>
}

interface TopicAccess {
  readonly now: () => number
  readonly writer: () => Promise<RecordWriter>
  readonly openSource: () => Promise<RecordSource>
  readonly partitions: (topic: string) => Promise<readonly TopicPartition[]>
  readonly settle: () => Promise<void>
}

/** Writes records to one topic of the driver's log. */
export class TestInput<K, V> {
  readonly topic: string
  readonly #serdes: TopicSerdes<K, V>
  readonly #access: TopicAccess

  /** @internal */
  constructor(topic: string, serdes: TopicSerdes<K, V>, access: TopicAccess) {
    this.topic = topic
    this.#serdes = serdes
    this.#access = access
  }

  /** Writes one record and waits until everything that comes of it is done. */
  send(record: TestRecord<K, V>): Promise<void> {
    return this.sendAll([record])
  }

  /** Writes all records at once, so that they can make a batch, and waits until everything that comes of them is done. */
  async sendAll(records: readonly TestRecord<K, V>[]): Promise<void> {
    const { key, value } = this.#serdes
    await this.sendBytes(
      serializeColumn(
        key,
        records.map((record) => record.key),
      ),
      serializeColumn(
        value,
        records.map((record) => record.value),
      ),
      records,
    )
  }

  /** Writes bytes as they are, such as a record that the source can't decode. `records` gives timestamps, headers and partitions. */
  async sendBytes(
    keys: BytesColumn,
    values: BytesColumn,
    records: readonly Omit<TestRecord<unknown, unknown>, 'key' | 'value'>[],
  ): Promise<void> {
    const now = this.#access.now()
    const writer = await this.#access.writer()
    await writer.writeBatch({
      topic: this.topic,
      length: records.length,
      keys,
      values,
      timestamps: records.map((record) => record.timestamp ?? now),
      headers: records.some((record) => record.headers !== undefined) ? records.map((record) => record.headers) : undefined,
      partitions: records.map((record) => record.partition ?? -1),
    })
    const [failure] = await writer.flush()
    if (failure !== undefined) throw failure.error
    await this.#access.settle()
  }
}

/** Reads what was written to one topic of the driver's log. */
export class TestOutput<K, V> {
  readonly topic: string
  readonly #serdes: TopicSerdes<K, V>
  readonly #access: TopicAccess
  readonly #read = new Map<number, number>()

  /** @internal */
  constructor(topic: string, serdes: TopicSerdes<K, V>, access: TopicAccess) {
    this.topic = topic
    this.#serdes = serdes
    this.#access = access
  }

  /** What came since the last read, by partition, in the order it was written. `offset` and `partition` are those in this topic. */
  async readAll(): Promise<StreamRecord<K, V>[]> {
    await this.#access.settle()
    const partitions = await this.#access.partitions(this.topic)
    const source = await this.#access.openSource()
    const records: StreamRecord<K, V>[] = []
    try {
      await source.assign(partitions.map((one) => ({ ...one, offset: this.#read.get(one.partition) ?? 0 })))
      const open = new Set(partitions.map(({ partition }) => partition))
      while (open.size > 0) {
        const { batches, ends } = await source.poll(1_000)
        for (const wire of batches) {
          const keys = deserializeColumn(this.#serdes.key, wire.keys)
          const values = deserializeColumn(this.#serdes.value, wire.values)
          const failure = keys.failures[0] ?? values.failures[0]
          if (failure !== undefined) throw failure.error
          for (let i = 0; i < wire.length; i++) {
            records.push({
              key: keys.values[i] as K,
              value: values.values[i] as V,
              timestamp: wire.timestamps[i] as number,
              headers: copyHeaders(wire.headers?.[i]),
              topic: wire.topic,
              partition: wire.partition,
              offset: wire.offsets[i],
            })
          }
          this.#read.set(wire.partition, (wire.offsets[wire.length - 1] as number) + 1)
          wire.release()
        }
        for (const { partition } of ends) open.delete(partition)
      }
    } finally {
      await source.close()
    }
    return records.sort((a, b) => (a.partition as number) - (b.partition as number) || (a.offset as number) - (b.offset as number))
  }

  /** The keys and values that came since the last read. */
  async readKeyValues(): Promise<[key: K, value: V][]> {
    return (await this.readAll()).map(({ key, value }) => [key, value])
  }

  /** The last value of each key that came since the last read. */
  async readToMap(): Promise<Map<K, V>> {
    return new Map(await this.readKeyValues())
  }
}

function copyHeaders(headers: Headers | undefined): Headers {
  return headers === undefined ? [] : headers.map(({ key, value }) => ({ key, value: value === null ? null : Uint8Array.from(value) }))
}
