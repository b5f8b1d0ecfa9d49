import { randomUUID } from 'node:crypto'
import { setImmediate as nextTurn, setTimeout } from 'node:timers/promises'
import confluent from '@confluentinc/kafka-javascript'
import type { BrokerAddress } from '../../src/index.ts'

const LIMIT_MS = 30_000
/** Of a consumer, so that what hangs is told before its test has taken too long. */
const CONNECT_MS = 10_000
const DISCONNECT_MS = 5_000
/** What a consumer says of a batch that is damaged, and of what it takes for a batch behind it. */
const DAMAGED: ReadonlySet<number | undefined> = new Set([-199, -170])

type Callback<T> = (error: Error | null, result: T) => void

/** One record as the confluent client takes it and gives it. */
export interface RawRecord {
  readonly partition: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly timestamp: number
  readonly headers?: readonly Record<string, Buffer>[] | undefined
}

export type RawRead = RawRecord & { readonly offset: number }

type Properties = Readonly<Record<string, unknown>>

/** As a raw producer is used here: its typings are of less. */
interface RawProducer {
  connect(options: object, callback: Callback<unknown>): void
  disconnect(callback: Callback<unknown>): void
  setPollInBackground(isSet: boolean): void
  produce(topic: string, partition: number, value: unknown, key: unknown, timestamp: number, opaque: undefined, headers: unknown): void
  flush(ms: number, callback: Callback<unknown>): void
  on(event: 'delivery-report', listener: (error: Error | null) => void): void
  initTransactions(ms: number, callback: Callback<unknown>): void
  beginTransaction(callback: Callback<unknown>): void
  commitTransaction(ms: number, callback: Callback<unknown>): void
  abortTransaction(ms: number, callback: Callback<unknown>): void
}

interface RawConsumer {
  connect(options: object, callback: Callback<unknown>): void
  disconnect(callback: Callback<unknown>): void
  assign(partitions: readonly object[]): void
  subscribe(topics: readonly string[]): void
  consume(count: number, callback: Callback<RawRead[]>): void
}

/** What the other client writes and reads, for comparison. */
export class Confluent {
  readonly brokers: string
  readonly #writeMs: number

  /** `writeMs`: how long a write may take; longer where a cluster is about to choose other leaders. */
  constructor(brokers: string, writeMs = LIMIT_MS) {
    this.brokers = brokers
    this.#writeMs = writeMs
  }

  get addresses(): BrokerAddress[] {
    return this.brokers
      .split(',')
      .map((one) => ({ host: one.slice(0, one.lastIndexOf(':')), port: Number(one.slice(one.lastIndexOf(':') + 1)) }))
  }

  async topic(partitions: number, config: Readonly<Record<string, string>> = {}, replicas = 1): Promise<string> {
    const { name, create } = this.later(partitions, config, replicas)
    await create()
    return name
  }

  /** A topic that is not there yet. */
  later(
    partitions: number,
    config: Readonly<Record<string, string>> = {},
    replicas = 1,
  ): { readonly name: string; readonly create: () => Promise<void> } {
    const name = `packed-${randomUUID()}`
    // Records of tests are of any time: a broker would delete those of long ago as soon as it looks, half a minute after it began.
    const kept = { 'retention.ms': '-1', ...config }
    return { name, create: () => this.#create(name, { num_partitions: partitions, replication_factor: replicas, config: kept }) }
  }

  async #create(topic: string, settings: object): Promise<void> {
    const admin = confluent.AdminClient.create({ 'bootstrap.servers': this.brokers })
    try {
      const wanted = { topic, ...settings }
      await promised((callback) =>
        admin.createTopic(wanted as never, LIMIT_MS, (error) => callback(error as unknown as Error | null, undefined)),
      )
    } finally {
      admin.disconnect()
    }
  }

  /** As Java's clients put records to partitions, where they are not told. */
  async producer(properties: Properties = {}): Promise<{ readonly raw: RawProducer } & AsyncDisposable> {
    const options = { 'bootstrap.servers': this.brokers, 'enable.idempotence': true, 'linger.ms': 1, ...properties }
    const raw = new confluent.Producer(options, { partitioner: 'murmur2_random' }) as unknown as RawProducer
    await promised((callback) => raw.connect({ allTopics: false, timeout: LIMIT_MS }, callback))
    raw.setPollInBackground(true)
    return { raw, [Symbol.asyncDispose]: () => promised((callback) => raw.disconnect(callback)).then(() => undefined) }
  }

  /** Rejects also when the client gave a record up: then a flush ends as if all were well. */
  async write(topic: string, records: readonly RawRecord[], properties: Properties = {}): Promise<void> {
    await using producer = await this.producer({ 'delivery.report.only.error': true, dr_cb: true, ...properties })
    const failures: Error[] = []
    producer.raw.on('delivery-report', (error) => {
      if (error !== null) failures.push(error)
    })
    for (const one of records) produce(producer.raw, topic, one)
    await promised((callback) => producer.raw.flush(this.#writeMs, callback))
    // Reports come to JavaScript a turn behind.
    await nextTurn()
    const [failure] = failures
    if (failure !== undefined) throw failure
  }

  /** One transaction after the other, each committed or aborted. */
  async transactions(topic: string, all: readonly (readonly [RawRecord, 'commit' | 'abort'])[]): Promise<void> {
    await using producer = await this.producer({ 'transactional.id': randomUUID() })
    const { raw } = producer
    await promised((callback) => raw.initTransactions(LIMIT_MS, callback))
    for (const [record, end] of all) {
      await promised((callback) => raw.beginTransaction(callback))
      produce(raw, topic, record)
      await promised((callback) => raw.flush(LIMIT_MS, callback))
      await promised((callback) =>
        end === 'commit' ? raw.commitTransaction(LIMIT_MS, callback) : raw.abortTransaction(LIMIT_MS, callback),
      )
    }
  }

  /** A member of a group, which reads until it is disposed of. */
  async member(groupId: string, topic: string, protocol: 'classic' | 'consumer'): Promise<{ readonly clientId: string } & AsyncDisposable> {
    const clientId = `member-${randomUUID()}`
    const properties = { 'bootstrap.servers': this.brokers, 'group.id': groupId, 'client.id': clientId, 'group.protocol': protocol }
    const raw = new confluent.KafkaConsumer({ ...properties, 'enable.auto.commit': false }, {}) as unknown as RawConsumer
    await promised((callback) => raw.connect({ allTopics: false, timeout: LIMIT_MS }, callback))
    raw.subscribe([topic])
    let isOver = false
    const reading = (async () => {
      // Such as that a topic is not known yet, which a group gets over.
      while (!isOver) await promised<RawRead[]>((callback) => raw.consume(1, callback)).catch(() => undefined)
    })()
    const dispose = async (): Promise<void> => {
      isOver = true
      await reading
      await promised((callback) => raw.disconnect(callback))
    }
    return { clientId, [Symbol.asyncDispose]: dispose }
  }

  /** So many records from the beginning, by partition and offset. */
  read(topic: string, partitions: number, count: number): Promise<RawRead[]> {
    return this.readUntil(topic, partitions, (read) => read >= count)
  }

  /** Records by partition and offset, until so many and so many at once are enough. Ends of partitions are not told: the client forgets them over errors. */
  async readUntil(topic: string, partitions: number, isDone: (read: number, atOnce: number) => boolean): Promise<RawRead[]> {
    const properties = { 'bootstrap.servers': this.brokers, 'group.id': randomUUID(), 'enable.auto.commit': false, 'check.crcs': true }
    const raw = new confluent.KafkaConsumer(properties, {}) as unknown as RawConsumer
    await promised((callback) => raw.connect({ allTopics: false, timeout: CONNECT_MS }, callback))
    try {
      raw.assign(Array.from({ length: partitions }, (_, partition) => ({ topic, partition, offset: 0 })))
      const all: RawRead[] = []
      const until = performance.now() + LIMIT_MS
      for (let atOnce = Infinity; !isDone(all.length, atOnce);) {
        if (performance.now() > until) throw new Error(`Only ${all.length} records of ${topic} came in ${LIMIT_MS} ms.`)
        const read = await promised<RawRead[]>((callback) => raw.consume(1_000, callback)).catch(passedOver)
        all.push(...(read ?? []))
        atOnce = read?.length ?? Infinity
      }
      return all.toSorted((one, other) => one.partition - other.partition || one.offset - other.offset)
    } finally {
      const disconnected = promised((callback) => raw.disconnect(callback))
      // What was read is read: one that does not let go is left to the end of the process.
      await Promise.race([disconnected, setTimeout(DISCONNECT_MS, undefined, { ref: false })])
    }
  }
}

/** Nothing, but there may be more behind it; what was read before it comes first. */
function passedOver(error: unknown): undefined {
  if (!DAMAGED.has((error as { readonly code?: number }).code)) throw error
}

function produce(raw: RawProducer, topic: string, { partition, key, value, timestamp, headers }: RawRecord): void {
  // An empty buffer of its own would be sent as null.
  const present = (bytes: Buffer | null): Buffer | null => (bytes?.length === 0 ? Buffer.from('x').subarray(0, 0) : bytes)
  raw.produce(topic, partition, present(value), present(key), timestamp, undefined, headers)
}

function promised<T = unknown>(call: (callback: Callback<T>) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, result) => {
      if (error === null || error === undefined) resolve(result)
      else reject(error)
    })
  })
}
