import { randomUUID } from 'node:crypto'
import { inject } from 'vitest'
import { loadModule } from '../../src/confluent/load-module.ts'
import { promised } from '../../src/confluent/promised.ts'
import type {
  Callback,
  Properties,
  RawConsumer,
  RawError,
  RawMessage,
  RawProducer,
  RawTopicPartition,
} from '../../src/confluent/raw-api.ts'
import { until } from './cluster.ts'

const LIMIT_MS = 30_000
const ASSIGN_PARTITIONS = -175

/** What the transport never calls, and why not is shown. */
export type TrappedConsumer = RawConsumer & {
  commitCb(offsets: readonly RawTopicPartition[], callback: Callback): void
}

/** Its `produce` as JavaScript may call it, right or wrong. */
export type TrappedProducer = Omit<RawProducer, 'produce'> & {
  produce(
    topic: string,
    partition: number,
    value: unknown,
    key?: unknown,
    timestamp?: unknown,
    opaque?: unknown,
    headers?: unknown,
  ): boolean
}

export type OnRebalance = (error: RawError, partitions: readonly RawTopicPartition[]) => void

/** Clients of the library as it is, to show what it does by itself; disconnects what was opened through it. */
export class RawClients implements AsyncDisposable {
  readonly #brokers = inject('kafkaBrokers')
  readonly #disconnect: (() => Promise<unknown>)[] = []
  #closing = false

  async consumer(properties: Properties = {}, topicProperties: Properties = {}): Promise<TrappedConsumer> {
    const { KafkaConsumer } = await loadModule()
    const common = { 'bootstrap.servers': this.#brokers, 'group.id': randomUUID(), 'enable.auto.commit': false, 'fetch.wait.max.ms': 50 }
    const consumer = new KafkaConsumer({ ...common, ...properties }, topicProperties) as TrappedConsumer
    await promised('connect', LIMIT_MS, (callback) => consumer.connect({ allTopics: false, timeout: LIMIT_MS }, callback))
    consumer.setDefaultConsumeTimeout(0)
    this.#disconnect.push(() => promised('disconnect', LIMIT_MS, (callback) => consumer.disconnect(callback)))
    return consumer
  }

  /** A member of a group, which has joined when it has been consumed from for a while. Reads from the beginning. */
  async joining(topics: readonly string[], properties: Properties = {}, onRebalance: OnRebalance = () => {}): Promise<TrappedConsumer> {
    const consumer = await this.consumer({
      ...properties,
      rebalance_cb: (error: RawError, partitions: readonly RawTopicPartition[]) => {
        // While it disconnects it says that it has no protocol, and waits for this answer.
        if (this.#closing) consumer.unassign()
        else {
          onRebalance(error, partitions)
          answer(consumer, error, partitions)
        }
      },
    })
    consumer.subscribe(topics)
    return consumer
  }

  /** A member of a group that has its partitions. */
  async member(topics: readonly string[], properties: Properties = {}): Promise<TrappedConsumer> {
    let assigned = false
    const consumer = await this.joining(topics, properties, (_, partitions) => {
      assigned ||= partitions.length > 0
    })
    await consumeUntil(consumer, 'the member has its partitions', () => assigned)
    return consumer
  }

  async producer(properties: Properties = {}): Promise<TrappedProducer> {
    const { Producer } = await loadModule()
    const raw = new Producer({ 'bootstrap.servers': this.#brokers, 'linger.ms': 0, ...properties }, {})
    await promised('connect', LIMIT_MS, (callback) => raw.connect({ allTopics: false, timeout: LIMIT_MS }, callback))
    raw.setPollInBackground(true)
    this.#disconnect.push(() => promised('disconnect', LIMIT_MS, (callback) => raw.disconnect(1, callback)))
    return raw as TrappedProducer
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true
    for (const disconnect of this.#disconnect.toReversed()) await disconnect()
  }
}

function answer(consumer: RawConsumer, error: RawError, partitions: readonly RawTopicPartition[]): void {
  const cooperative = consumer.rebalanceProtocol() === 'COOPERATIVE'
  const starts = partitions.map(({ topic, partition }) => ({ topic, partition, offset: 0 }))
  if (error.code === ASSIGN_PARTITIONS) {
    if (cooperative) consumer.incrementalAssign(starts)
    else consumer.assign(starts)
  } else if (cooperative) consumer.incrementalUnassign(partitions)
  else consumer.unassign()
}

export function flush(producer: TrappedProducer): Promise<unknown> {
  return promised('flush', LIMIT_MS, (callback) => producer.flush(LIMIT_MS, callback))
}

/** One consume: what the client has now. */
export function consume(consumer: RawConsumer, count = 1_000): Promise<readonly RawMessage[]> {
  return promised('consume', LIMIT_MS, (callback: Callback<readonly RawMessage[]>) => consumer.consume(count, callback))
}

/** Consumes until `count` messages have come. */
export async function consumeMessages(consumer: RawConsumer, count: number): Promise<RawMessage[]> {
  const messages: RawMessage[] = []
  await until(`${count} messages are consumed`, async () => {
    messages.push(...(await consume(consumer, count - messages.length)))
    return messages.length >= count
  })
  return messages
}

/** Consumes, and drops what comes, until `done`. */
export function consumeUntil(consumer: RawConsumer, what: string, done: () => boolean): Promise<void> {
  return until(what, async () => {
    await consume(consumer)
    return done()
  })
}

/** The first `count` messages of partition 0. */
export async function messagesOf(raw: RawClients, topic: string, count: number): Promise<RawMessage[]> {
  const consumer = await raw.consumer()
  consumer.assign([{ topic, partition: 0, offset: 0 }])
  return consumeMessages(consumer, count)
}
