import { setTimeout as sleep } from 'node:timers/promises'
import { isKept } from '../input/input-shape.ts'
import {
  ASSIGNED,
  committed,
  type Consumer,
  type GroupEvent,
  type Message,
  notFull,
  openConsumer,
  openProducer,
  type Position,
  type Producer,
  promised,
  reportsHandled,
  REVOKED,
  whileFull,
} from './confluent.ts'
import { allEntries, type Count, int64, type PartitionCounts } from './partition-counts.ts'
import type { ProgramConfig } from './program-config.ts'
import { restoreByHand, restoredCounts } from './restore-by-hand.ts'
import { programConfig, Stopwatch } from './stopwatch.ts'
import { writeState } from './write-state.ts'

const AT_ONCE = 10_000
/** When nothing was there. */
const LOOK_MS = 2
const NEVER_MS = 600_000
const UNTIL_TRANSACTION_ENDS = -1
/** Of its key. */
const ANY_PARTITION = null

/**
 * What a good engineer would write with the same client and LevelDB, with the same guarantees. Up to 10,000 records at once, the next read under way meanwhile; the
 * counts that were used lately in memory, one `getMany` a partition for the others; a commit that makes output and changelog durable before the offsets. A
 * partition that comes is restored from its changelog before it is read, one that goes is committed first. What fails ends the program, which is right when it
 * is started again. Left out: records that fail, processing beside a commit, headers, everything else a framework is for.
 */
class ByHand {
  readonly #config: ProgramConfig
  readonly #consumer: Consumer
  readonly #producer: Producer
  /** By partition; undefined where it is another's. */
  readonly #counts: (PartitionCounts | undefined)[] = []
  readonly #next = new Map<number, number>()
  readonly #number = Buffer.alloc(8)
  readonly #rebalances: GroupEvent[] = []
  #hasEnded = false
  #failure: Error | undefined

  private constructor(config: ProgramConfig, consumer: Consumer, producer: Producer) {
    this.#config = config
    this.#consumer = consumer
    this.#producer = producer
  }

  static async run(config: ProgramConfig): Promise<void> {
    const { brokers, applicationId, input, guarantee } = config
    const exactlyOnce = guarantee === 'exactly-once'
    const isolation = exactlyOnce ? 'read_committed' : 'read_uncommitted'
    const reading = { 'bootstrap.servers': brokers, 'group.id': applicationId, 'isolation.level': isolation }
    const consumer = await openConsumer(reading, (event) => program.#onRebalance(event))
    const fail = (error: Error) => {
      program.#failure ??= error
    }
    const producer = await openProducer(brokers, exactlyOnce ? applicationId : undefined, fail)
    const program = new ByHand(config, consumer, producer)
    if (exactlyOnce) await promised((callback) => producer.beginTransaction(callback))
    consumer.subscribe([input])
    await program.#loop()
    await program.#end()
  }

  async #loop(): Promise<void> {
    const { records, commitIntervalMs, work } = this.#config
    const stopwatch = new Stopwatch(this.#config)
    let left = records
    let committedAt = performance.now()
    let reading: Promise<readonly Message[]> | undefined
    while (left > 0) {
      const messages = await (reading ?? this.#read())
      if (this.#failure !== undefined) throw this.#failure
      // Nothing of a partition that goes may be on its way when it goes.
      reading = this.#rebalances.length === 0 ? this.#read() : undefined
      if (messages.length === 0) {
        await sleep(LOOK_MS)
      } else {
        stopwatch.read()
        if (work === 'map') await this.#map(messages)
        else await this.#count(messages)
        left -= messages.length
        for (const { partition, offset } of messages) this.#next.set(partition, offset + 1)
      }
      if (reading === undefined) await this.#rebalance()
      if (left > 0 && performance.now() - committedAt < commitIntervalMs) continue
      await this.#commit()
      committedAt = performance.now()
    }
    await this.#commitAll()
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
      const { partition, timestamp } = messages[i] as Message
      const count = counts[i] as Count
      this.#counts[partition]!.increment(count, timestamp)
      if (lastOnly) touched.add(count)
      else while (!this.#write(this.#config.output, ANY_PARTITION, count)) await whileFull()
    }
    for (const count of touched) while (!this.#write(this.#config.output, ANY_PARTITION, count)) await whileFull()
  }

  /** False: there is no room for it now. The client copies what it is given, so that all numbers share a buffer. */
  #write(topic: string, partition: number | null, { keyBytes, value, timestamp }: Count): boolean {
    try {
      this.#producer.produce(topic, partition, int64(this.#number, value), keyBytes, timestamp)
      return true
    } catch (error) {
      return notFull(error)
    }
  }

  /** The count of each record's key, by position. */
  async #countsOf(messages: readonly Message[]): Promise<Count[]> {
    const counts = new Array<Count>(messages.length)
    for (let i = 0; i < messages.length; i++) {
      const { partition, key } = messages[i] as Message
      const keyBytes = key as Buffer
      counts[i] = this.#counts[partition]!.find(keyBytes.toString(), keyBytes)
    }
    await Promise.all(this.#owned.map((one) => one.load()))
    return counts
  }

  async #map(messages: readonly Message[]): Promise<void> {
    for (const message of messages) {
      const text = (message.value as Buffer).toString()
      if (!isKept(text)) continue
      const value = Buffer.from(text.toUpperCase())
      while (!this.#writeMapped(message, value)) await whileFull()
    }
  }

  #writeMapped({ key, timestamp }: Message, value: Buffer): boolean {
    try {
      this.#producer.produce(this.#config.output, ANY_PARTITION, value, key, timestamp)
      return true
    } catch (error) {
      return notFull(error)
    }
  }

  /** What the group was too busy to take stays for the next time. */
  async #commit(): Promise<void> {
    if (this.#next.size === 0) return
    for (const { partition, changed } of this.#owned)
      for (const count of changed) while (!this.#write(this.#config.changelog, partition, count)) await whileFull()
    const offsets = [...this.#next].map(([partition, offset]): Position => ({ topic: this.#config.input, partition, offset }))
    let taken = true
    if (this.#config.guarantee === 'exactly-once') await this.#commitTransaction(offsets)
    else {
      await promised((callback) => this.#producer.flush(NEVER_MS, callback))
      await reportsHandled()
      if (this.#failure !== undefined) throw this.#failure
      taken = committed(this.#consumer, offsets)
    }
    if (taken) this.#next.clear()
    await Promise.all(this.#owned.map((one) => one.save()))
  }

  async #commitAll(): Promise<void> {
    for (; this.#next.size > 0; await sleep(LOOK_MS)) await this.#commit()
  }

  async #commitTransaction(offsets: readonly Position[]): Promise<void> {
    await promised((callback) => this.#producer.sendOffsetsToTransaction(offsets, this.#consumer, UNTIL_TRANSACTION_ENDS, callback))
    await promised((callback) => this.#producer.commitTransaction(UNTIL_TRANSACTION_ENDS, callback))
    await promised((callback) => this.#producer.beginTransaction(callback))
  }

  get #owned(): readonly PartitionCounts[] {
    return this.#counts.filter((one) => one !== undefined)
  }

  #onRebalance(event: GroupEvent): void {
    if (this.#hasEnded) this.#consumer.incrementalUnassign(event.partitions)
    else if (event.code === REVOKED && this.#consumer.assignmentLost()) this.#failure = new Error('The group has counted this member out.')
    else this.#rebalances.push(event)
  }

  /** While nothing is being read. */
  async #rebalance(): Promise<void> {
    for (const { code, partitions } of this.#rebalances.splice(0)) {
      if (code === ASSIGNED) await this.#take(partitions)
      else if (code === REVOKED) await this.#giveUp(partitions)
      else throw new Error(`The group has failed: ${code}.`)
    }
  }

  async #take(partitions: GroupEvent['partitions']): Promise<void> {
    if (this.#config.work !== 'map') {
      const numbers = partitions.map(({ partition }) => partition)
      for (const counts of await restoredCounts(this.#config, numbers)) this.#counts[counts.partition] = counts
    }
    this.#consumer.incrementalAssign(partitions)
  }

  async #giveUp(partitions: GroupEvent['partitions']): Promise<void> {
    await this.#commitAll()
    for (const { partition } of partitions) {
      await this.#counts[partition]?.close()
      this.#counts[partition] = undefined
    }
    this.#consumer.incrementalUnassign(partitions)
  }

  async #end(): Promise<void> {
    const { stateFile, work } = this.#config
    this.#hasEnded = true
    if (work !== 'map') await writeState(stateFile, allEntries(this.#owned))
    for (const counts of this.#owned) await counts.close()
    await promised((callback) => this.#producer.disconnect(NEVER_MS, callback))
    await promised((callback) => this.#consumer.disconnect(callback))
  }
}

const config = programConfig()
await (config.work === 'restore' ? restoreByHand(config) : ByHand.run(config))
