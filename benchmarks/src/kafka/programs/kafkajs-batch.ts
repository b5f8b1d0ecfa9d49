import { ClassicLevel } from 'classic-level'
import { type EachBatchPayload, Kafka, logLevel, type Message, type Producer, type Transaction } from 'kafkajs'
import { isKept } from '../input/input-shape.ts'
import type { ProgramConfig } from './program-config.ts'
import { programConfig, Stopwatch } from './stopwatch.ts'
import { writeState } from './write-state.ts'

interface Count {
  readonly key: string
  value: number
  changed: boolean
}

/**
 * A loop over `eachBatch` with LevelDB, as one writes it with kafkajs for both ways: every count in a `Map`, one `getMany` and one `send` a batch, and commits
 * that write the changelog first and the store last. Left out: what is left out of the other loop by hand.
 */
class KafkaJsBatch {
  readonly #config: ProgramConfig
  readonly #database: ClassicLevel<string, Buffer>
  readonly #counts = new Map<string, Count>()
  readonly #next = new Map<number, string>()
  readonly #stopwatch: Stopwatch
  #changed: Count[] = []
  #left: number
  #committedAt = 0
  #transaction: Transaction | undefined

  constructor(config: ProgramConfig) {
    this.#config = config
    this.#left = config.records
    this.#stopwatch = new Stopwatch(config)
    this.#database = new ClassicLevel(config.stateDir, { keyEncoding: 'utf8', valueEncoding: 'buffer' })
  }

  async run(): Promise<void> {
    const { brokers, applicationId, input, stateFile, work, guarantee } = this.#config
    const exactlyOnce = guarantee === 'exactly-once'
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
        await this.#process(payload, this.#transaction ?? producer)
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
    if (work !== 'map')
      await writeState(
        stateFile,
        [...this.#counts.values()].map(({ key, value }) => [key, value] as const),
      )
    await this.#database.close()
  }

  async #process(payload: EachBatchPayload, to: Producer | Transaction): Promise<void> {
    const { batch } = payload
    const output = this.#config.work === 'map' ? mapped(batch) : await this.#counted(batch)
    if (output.length > 0) await to.send({ topic: this.#config.output, messages: output })
    this.#left -= batch.messages.length
    this.#next.set(batch.partition, (BigInt(batch.lastOffset()) + 1n).toString())
    await payload.heartbeat()
  }

  async #counted({ messages }: EachBatchPayload['batch']): Promise<Message[]> {
    const counts = new Array<Count>(messages.length)
    const missing: Count[] = []
    for (let i = 0; i < messages.length; i++) {
      const key = (messages[i]!.key as Buffer).toString('latin1')
      let count = this.#counts.get(key)
      if (count === undefined) {
        count = { key, value: 0, changed: false }
        this.#counts.set(key, count)
        missing.push(count)
      }
      counts[i] = count
    }
    if (missing.length > 0) {
      const stored = await this.#database.getMany(missing.map(({ key }) => key))
      stored.forEach((bytes, i) => {
        if (bytes !== undefined) missing[i]!.value = Number(bytes.readBigInt64BE())
      })
    }
    const output: Message[] = []
    for (const count of counts) {
      count.value++
      if (!count.changed) {
        count.changed = true
        this.#changed.push(count)
      }
      if (this.#config.work === 'count') output.push(messageOf(count))
    }
    return this.#config.work === 'count' ? output : [...new Set(counts)].map(messageOf)
  }

  async #commit(producer: Producer, commitOffsets: (offsets: { topic: string; partition: number; offset: string }[]) => Promise<void>) {
    const { input, changelog, applicationId } = this.#config
    const changed = this.#changed
    const offsets = [...this.#next].map(([partition, offset]) => ({ topic: input, partition, offset }))
    this.#changed = []
    this.#next.clear()
    if (changed.length > 0) await (this.#transaction ?? producer).send({ topic: changelog, messages: changed.map(messageOf) })
    if (this.#transaction !== undefined) {
      await this.#transaction.sendOffsets({ consumerGroupId: applicationId, topics: [{ topic: input, partitions: offsets }] })
      await this.#transaction.commit()
      this.#transaction = undefined
    } else await commitOffsets(offsets)
    if (changed.length > 0) {
      const batch = this.#database.batch()
      for (const count of changed) {
        batch.put(count.key, int64(count.value))
        count.changed = false
      }
      await batch.write()
    }
    this.#committedAt = performance.now()
  }
}

function mapped({ messages }: EachBatchPayload['batch']): Message[] {
  const output: Message[] = []
  for (const { key, value } of messages) {
    const text = (value as Buffer).toString('utf8')
    if (isKept(text)) output.push({ key, value: text.toUpperCase() })
  }
  return output
}

function messageOf({ key, value }: Count): Message {
  return { key, value: int64(value) }
}

function int64(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeInt32BE(Math.floor(value / 4_294_967_296), 0)
  bytes.writeUInt32BE(value >>> 0, 4)
  return bytes
}

await new KafkaJsBatch(programConfig()).run()
