import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import library from '@confluentinc/kafka-javascript'
import { READING, TRANSACTION_TIMEOUT_MS, WRITING, WRITING_TOPICS } from './client-settings.ts'

/** What the loop by hand uses of the client's raw API, which its own typings describe in part. */
export interface Message {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly timestamp: number
}

export interface Position {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export const ASSIGNED = -175
export const REVOKED = -174

/** Partitions come or go. */
export interface GroupEvent {
  /** {@link ASSIGNED} or {@link REVOKED}; anything else is an error of the group. */
  readonly code: number
  readonly partitions: readonly TopicPartition[]
}

type Callback<T = unknown> = (error: Error | null | undefined, value: T) => void
type Properties = Readonly<Record<string, unknown>>

export interface Consumer {
  connect(options: object, callback: Callback): void
  disconnect(callback: Callback): void
  setDefaultConsumeTimeout(ms: number): void
  subscribe(topics: readonly string[]): void
  assignmentLost(): boolean
  incrementalAssign(partitions: readonly TopicPartition[]): void
  incrementalUnassign(partitions: readonly TopicPartition[]): void
  assign(positions: readonly Position[]): void
  consume(count: number, callback: Callback<readonly Message[]>): void
  commitSync(offsets: readonly Position[]): void
  on(event: 'partition.eof', listener: (at: Position) => void): void
}

export interface Producer {
  connect(options: object, callback: Callback): void
  disconnect(timeoutMs: number, callback: Callback): void
  setPollInBackground(on: boolean): void
  produce(topic: string, partition: number | null, value: Buffer | null, key: Buffer | null, timestamp?: number): void
  flush(timeoutMs: number, callback: Callback): void
  on(event: 'delivery-report', listener: (error: Error | null) => void): void
  initTransactions(timeoutMs: number, callback: Callback): void
  beginTransaction(callback: Callback): void
  sendOffsetsToTransaction(offsets: readonly Position[], consumer: Consumer, timeoutMs: number, callback: Callback): void
  commitTransaction(timeoutMs: number, callback: Callback): void
}

interface Library {
  readonly KafkaConsumer: new (properties: Properties, topicProperties: Properties) => Consumer
  readonly Producer: new (properties: Properties, topicProperties: Properties) => Producer
}

const { KafkaConsumer, Producer: KafkaProducer } = library as unknown as Library

const QUEUE_FULL = -184
/** The group is between two generations: this one is over, or the next one has not begun. */
const SHARING_OUT: ReadonlySet<unknown> = new Set([22, 27])
const FULL_MS = 2

/** Awaits one call of the client's. */
export function promised<T = unknown>(call: (callback: Callback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, value) => {
      if (error == null) resolve(value)
      else reject(error)
    })
  })
}

/**
 * Connected, with the settings that Millrace's adapter has. `onRebalance`: partitions come or go, which waits for an answer; without it the client answers by itself.
 */
export async function openConsumer(properties: Properties, onRebalance?: (event: GroupEvent) => void): Promise<Consumer> {
  const rebalance = (error: { readonly code: number }, partitions: readonly TopicPartition[]) =>
    onRebalance?.({ code: error.code, partitions })
  const consumer = new KafkaConsumer(
    {
      ...READING,
      ...(onRebalance !== undefined && { rebalance_cb: rebalance }),
      ...properties,
    },
    { 'auto.offset.reset': 'earliest' },
  )
  await promised((callback) => consumer.connect({ allTopics: false }, callback))
  consumer.setDefaultConsumeTimeout(0)
  return consumer
}

/** Connected, with the settings that Millrace's adapter has; in transactions, if it has an id for them. `onFailure`: a record could not be delivered. */
export async function openProducer(
  brokers: string,
  transactionalId: string | undefined,
  onFailure: (error: Error) => void,
): Promise<Producer> {
  const producer = new KafkaProducer(
    {
      'bootstrap.servers': brokers,
      ...WRITING,
      ...(transactionalId !== undefined && { 'transactional.id': transactionalId, 'transaction.timeout.ms': TRANSACTION_TIMEOUT_MS }),
    },
    { ...WRITING_TOPICS, ...(transactionalId !== undefined && { 'message.timeout.ms': TRANSACTION_TIMEOUT_MS }) },
  )
  producer.on('delivery-report', (error) => {
    if (error !== null) onFailure(error)
  })
  await promised((callback) => producer.connect({ allTopics: false }, callback))
  producer.setPollInBackground(true)
  if (transactionalId !== undefined) await promised((callback) => producer.initTransactions(30_000, callback))
  return producer
}

/** Whether the producer took it; false: its queue is full, which a moment helps. */
export function produced(producer: Producer, topic: string, key: Buffer | null, value: Buffer): boolean {
  try {
    producer.produce(topic, null, value, key)
    return true
  } catch (error) {
    return notFull(error)
  }
}

/** False where a producer's queue is full; throws any other error. */
export function notFull(error: unknown): false {
  if ((error as { readonly code?: unknown }).code === QUEUE_FULL) return false
  throw error
}

/** Whether the group took these offsets; false: it is about to share out its partitions, and takes them afterwards. Throws any other error. */
export function committed(consumer: Consumer, offsets: readonly Position[]): boolean {
  try {
    consumer.commitSync(offsets)
    return true
  } catch (error) {
    if (SHARING_OUT.has((error as { readonly code?: unknown }).code)) return false
    throw error
  }
}

export async function whileFull(): Promise<void> {
  await sleep(FULL_MS)
}

/** Once a flush has answered: reports of what could not be delivered wait for their turn in the event loop. */
export async function reportsHandled(): Promise<void> {
  await nextTurn()
  await nextTurn()
}
