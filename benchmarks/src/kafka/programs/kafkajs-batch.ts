import { CompressionTypes, type EachBatchPayload, Kafka, logLevel, type Message, type Producer, type Transaction } from 'kafkajs'
import { isKept } from '../input/input-shape.ts'
import { useLz4 } from './kafkajs-lz4.ts'
import { allEntries, type Count, int64, PartitionCounts } from './partition-counts.ts'
import type { ProgramConfig } from './program-config.ts'
import { programConfig, Stopwatch } from './stopwatch.ts'
import { writeState } from './write-state.ts'

const ALL_REPLICAS = -1

/**
 * A loop over `eachBatch` with LevelDB, as one writes it with kafkajs for both ways: the counts that were used lately in memory, one `getMany` for the others and
 * one `send` a batch, and commits that write the changelog first. Left out: restoring, partitions that come and go, records that fail, headers.
 */
class KafkaJsBatch {
  readonly #config: ProgramConfig
  readonly #counts = new Map<number, PartitionCounts>()
  readonly #next = new Map<number, string>()
  readonly #stopwatch: Stopwatch
  #left: number
  #committedAt = performance.now()
  #transaction: Transaction | undefined

  constructor(config: ProgramConfig) {
    this.#config = config
    this.#left = config.records
    this.#stopwatch = new Stopwatch(config)
  }

  async run(): Promise<void> {
    const { brokers, applicationId, input, stateFile, work, guarantee } = this.#config
    const exactlyOnce = guarantee === 'exactly-once'
    useLz4()
    const kafka = new Kafka({ brokers: brokers.split(','), clientId: applicationId, logLevel: logLevel.ERROR })
    const consumer = kafka.consumer({
      groupId: applicationId,
      maxBytesPerPartition: 1_048_576,
      maxWaitTimeInMs: 100,
      readUncommitted: !exactlyOnce,
    })
    const producer = kafka.producer(exactlyOnce ? { transactionalId: applicationId, idempotent: true, maxInFlightRequests: 1 } : {})
    await Promise.all([consumer.connect(), producer.connect()])
    await consumer.subscribe({ topics: [input], fromBeginning: true })
    await new Promise<void>((resolve, reject) => {
      consumer.on('consumer.crash', ({ payload }) => reject(payload.error))
      const eachBatch = async (payload: EachBatchPayload) => {
        this.#stopwatch.read()
        if (exactlyOnce) this.#transaction ??= await producer.transaction()
        await this.#process(payload, producer)
        if (this.#left > 0 && performance.now() - this.#committedAt < this.#config.commitIntervalMs) return
        await this.#commit(producer, (offsets) => consumer.commitOffsets(offsets))
        if (this.#left > 0) return
        this.#stopwatch.done()
        resolve()
      }
      consumer.run({ autoCommit: false, eachBatchAutoResolve: true, eachBatch }).catch(reject)
    })
    await consumer.disconnect()
    await producer.disconnect()
    if (work !== 'map') await writeState(stateFile, allEntries(this.#counts.values()))
    for (const counts of this.#counts.values()) await counts.close()
  }

  async #process(payload: EachBatchPayload, producer: Producer): Promise<void> {
    const { batch } = payload
    const output = this.#config.work === 'map' ? mapped(batch) : await this.#counted(batch)
    await this.#send(producer, this.#config.output, output)
    this.#left -= batch.messages.length
    this.#next.set(batch.partition, (BigInt(batch.lastOffset()) + 1n).toString())
    await payload.heartbeat()
  }

  async #send(producer: Producer, topic: string, messages: Message[]): Promise<void> {
    if (messages.length === 0) return
    await (this.#transaction ?? producer).send({ topic, messages, acks: ALL_REPLICAS, compression: CompressionTypes.LZ4 })
  }

  async #counted({ partition, messages }: EachBatchPayload['batch']): Promise<Message[]> {
    let own = this.#counts.get(partition)
    if (own === undefined) {
      own = await PartitionCounts.open(this.#config.stateDir, partition)
      this.#counts.set(partition, own)
    }
    const counts: Count[] = []
    for (const { key } of messages) counts.push(own.find(String(key), key as Buffer))
    await own.load()
    const output: Message[] = []
    for (let i = 0; i < messages.length; i++) {
      const count = counts[i] as Count
      own.increment(count, Number(messages[i]!.timestamp))
      if (this.#config.work === 'count') output.push(messageOf(count))
    }
    return this.#config.work === 'count' ? output : Array.from(new Set(counts), messageOf)
  }

  /** What is stored before the offsets are committed may be counted again, which at least once allows; in a transaction it may not. */
  async #commit(producer: Producer, commitOffsets: (offsets: { topic: string; partition: number; offset: string }[]) => Promise<void>) {
    const { input, changelog, applicationId } = this.#config
    const offsets = [...this.#next].map(([partition, offset]) => ({ topic: input, partition, offset }))
    this.#next.clear()
    const changes = [...this.#counts.values()].flatMap(({ partition, changed }) =>
      changed.map((count) => ({ ...messageOf(count), partition })),
    )
    await this.#send(producer, changelog, changes)
    if (this.#transaction !== undefined) {
      await this.#transaction.sendOffsets({ consumerGroupId: applicationId, topics: [{ topic: input, partitions: offsets }] })
      await this.#transaction.commit()
      this.#transaction = undefined
    }
    await Promise.all(Array.from(this.#counts.values(), (one) => one.save()))
    if (this.#config.guarantee === 'at-least-once') await commitOffsets(offsets)
    this.#committedAt = performance.now()
  }
}

function mapped({ messages }: EachBatchPayload['batch']): Message[] {
  const output: Message[] = []
  for (const { key, value, timestamp } of messages) {
    const text = (value as Buffer).toString()
    if (isKept(text)) output.push({ key, value: text.toUpperCase(), timestamp })
  }
  return output
}

function messageOf({ keyBytes, value, timestamp }: Count): Message {
  return { key: keyBytes, value: int64(Buffer.allocUnsafe(8), value), timestamp: String(timestamp) }
}

await new KafkaJsBatch(programConfig()).run()
