import { setTimeout as sleep } from 'node:timers/promises'
import { ClassicLevel } from 'classic-level'
import { isKept } from '../input/input-shape.ts'
import {
  type Consumer,
  type Message,
  openConsumer,
  openProducer,
  type Position,
  produced,
  type Producer,
  promised,
  whileFull,
} from './confluent.ts'
import { restoreByHand } from './restore-by-hand.ts'
import type { ProgramConfig } from './program-config.ts'
import { programConfig, Stopwatch } from './stopwatch.ts'
import { writeState } from './write-state.ts'

const AT_ONCE = 10_000
/** When nothing was there. */
const LOOK_MS = 2
const NEVER_MS = 600_000
const UNTIL_TRANSACTION_ENDS = -1

interface Count {
  readonly key: string
  readonly keyBytes: Buffer
  value: number
  changed: boolean
}

/**
 * What a good engineer would write with the same client and LevelDB: up to 10,000 records at once, the next read under way meanwhile, every count in a `Map`,
 * one `getMany` for the keys that are new, and a commit that makes output and changelog durable before the offsets, and those before the store. Left out:
 * restoring, partitions that come and go, records that fail, a bound on memory.
 */
class ByHand {
  readonly #config: ProgramConfig
  readonly #consumer: Consumer
  readonly #producer: Producer
  readonly #database: ClassicLevel<string, Buffer>
  readonly #counts = new Map<string, Count>()
  readonly #next = new Map<number, number>()
  readonly #number = Buffer.alloc(8)
  #changed: Count[] = []
  #failure: Error | undefined

  private constructor(config: ProgramConfig, consumer: Consumer, producer: Producer) {
    this.#config = config
    this.#consumer = consumer
    this.#producer = producer
    this.#database = new ClassicLevel(config.stateDir, { keyEncoding: 'utf8', valueEncoding: 'buffer' })
  }

  static async run(config: ProgramConfig): Promise<void> {
    const { brokers, applicationId, input, stateFile, work } = config
    const exactlyOnce = config.guarantee === 'exactly-once'
    const isolation = exactlyOnce ? 'read_committed' : 'read_uncommitted'
    const consumer = await openConsumer({ 'bootstrap.servers': brokers, 'group.id': applicationId, 'isolation.level': isolation })
    const fail = (error: Error) => {
      program.#failure ??= error
    }
    const producer = await openProducer(brokers, exactlyOnce ? applicationId : undefined, fail)
    const program = new ByHand(config, consumer, producer)
    if (exactlyOnce) await promised((callback) => producer.beginTransaction(callback))
    consumer.subscribe([input])
    await program.#loop()
    if (work !== 'map')
      await writeState(
        stateFile,
        [...program.#counts.values()].map(({ key, value }) => [key, value] as const),
      )
    await program.#database.close()
    await promised((callback) => producer.disconnect(NEVER_MS, callback))
    await promised((callback) => consumer.disconnect(callback))
  }

  async #loop(): Promise<void> {
    const { records, commitIntervalMs, work } = this.#config
    const stopwatch = new Stopwatch(this.#config)
    let left = records
    let committedAt = performance.now()
    let reading = this.#read()
    while (left > 0) {
      const messages = await reading
      reading = this.#read()
      if (messages.length === 0) {
        await sleep(LOOK_MS)
      } else {
        stopwatch.read()
        if (work === 'map') await this.#map(messages)
        else await this.#count(messages)
        left -= messages.length
        for (const { partition, offset } of messages) this.#next.set(partition, offset + 1)
      }
      if (left > 0 && performance.now() - committedAt < commitIntervalMs) continue
      await this.#commit()
      committedAt = performance.now()
    }
    stopwatch.done()
    await reading
  }

  #read(): Promise<readonly Message[]> {
    return promised((callback) => this.#consumer.consume(AT_ONCE, callback))
  }

  async #count(messages: readonly Message[]): Promise<void> {
    const counts = await this.#countsOf(messages)
    const lastOnly = this.#config.work === 'count-last'
    const touched = new Set<Count>()
    for (let i = 0; i < messages.length; i++) {
      const count = counts[i] as Count
      count.value++
      if (!count.changed) {
        count.changed = true
        this.#changed.push(count)
      }
      if (lastOnly) touched.add(count)
      else while (!this.#write(this.#config.output, count)) await whileFull()
    }
    for (const count of touched) while (!this.#write(this.#config.output, count)) await whileFull()
  }

  /** The client copies what it is given, so that all numbers share a buffer. */
  #write(topic: string, { keyBytes, value }: Count): boolean {
    return produced(this.#producer, topic, keyBytes, int64(this.#number, value))
  }

  /** The count of each record's key, by position. */
  async #countsOf(messages: readonly Message[]): Promise<Count[]> {
    const counts = new Array<Count>(messages.length)
    const missing: Count[] = []
    for (let i = 0; i < messages.length; i++) {
      const keyBytes = messages[i]!.key as Buffer
      const key = keyBytes.toString('latin1')
      let count = this.#counts.get(key)
      if (count === undefined) {
        count = { key, keyBytes, value: 0, changed: false }
        this.#counts.set(key, count)
        missing.push(count)
      }
      counts[i] = count
    }
    if (missing.length === 0) return counts
    const stored = await this.#database.getMany(missing.map(({ key }) => key))
    stored.forEach((bytes, i) => {
      if (bytes !== undefined) missing[i]!.value = Number(bytes.readBigInt64BE())
    })
    return counts
  }

  async #map(messages: readonly Message[]): Promise<void> {
    for (const { key, value } of messages) {
      const text = (value as Buffer).toString('utf8')
      if (!isKept(text)) continue
      const mapped = Buffer.from(text.toUpperCase())
      while (!produced(this.#producer, this.#config.output, key, mapped)) await whileFull()
    }
  }

  async #commit(): Promise<void> {
    const changed = this.#changed
    if (this.#next.size === 0) return
    this.#changed = []
    for (const count of changed) while (!this.#write(this.#config.changelog, count)) await whileFull()
    const offsets = [...this.#next].map(([partition, offset]): Position => ({ topic: this.#config.input, partition, offset }))
    this.#next.clear()
    if (this.#config.guarantee === 'exactly-once') await this.#commitTransaction(offsets)
    else {
      await promised((callback) => this.#producer.flush(NEVER_MS, callback))
      if (this.#failure !== undefined) throw this.#failure
      this.#consumer.commitSync(offsets)
    }
    if (changed.length === 0) return
    const batch = this.#database.batch()
    for (const count of changed) {
      batch.put(count.key, int64(Buffer.allocUnsafe(8), count.value))
      count.changed = false
    }
    await batch.write()
  }

  async #commitTransaction(offsets: readonly Position[]): Promise<void> {
    await promised((callback) => this.#producer.sendOffsetsToTransaction(offsets, this.#consumer, UNTIL_TRANSACTION_ENDS, callback))
    await promised((callback) => this.#producer.commitTransaction(UNTIL_TRANSACTION_ENDS, callback))
    await promised((callback) => this.#producer.beginTransaction(callback))
  }
}

function int64(bytes: Buffer, value: number): Buffer {
  bytes.writeInt32BE(Math.floor(value / 4_294_967_296), 0)
  bytes.writeUInt32BE(value >>> 0, 4)
  return bytes
}

const config = programConfig()
await (config.work === 'restore' ? restoreByHand(config) : ByHand.run(config))
