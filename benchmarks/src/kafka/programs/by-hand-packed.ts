import { deserializeColumn, type PackedColumn, serdes, type TopicPartition, viewColumn } from '@millrace/core'
import { GroupMember, PackedReader, PackedWriter, type ReadBatch, type WriteColumns } from '@millrace/kafka-packed'
import { brokerAddresses } from '../check/topic-reader.ts'
import { isKept } from '../input/input-shape.ts'
import { READING_PACKED, TRANSACTION_TIMEOUT_MS, WRITING_PACKED } from './client-settings.ts'
import { allEntries, type Count, int64, type PartitionCounts } from './partition-counts.ts'
import type { ProgramConfig } from './program-config.ts'
import { restoredPacked } from './restore-packed.ts'
import { programConfig, Stopwatch } from './stopwatch.ts'
import { writeState } from './write-state.ts'

const AT_ONCE = 10_000
/** Of a poll that finds nothing: partitions that come or go wait for it. */
const POLL_MS = 100
const COUNT_BYTES = 8

/**
 * The loop by hand, on the packed client: what `by-hand.ts` does, and leaves out, with columns instead of messages. Keys are written as they were read. The
 * client reads ahead by itself.
 */
class ByHandPacked {
  readonly #config: ProgramConfig
  readonly #reader: PackedReader
  readonly #writer: PackedWriter
  #member!: GroupMember
  /** By partition; undefined where it is another's. */
  readonly #counts: (PartitionCounts | undefined)[] = []
  readonly #next = new Map<number, number>()
  /** Partitions that come or go, when nothing of them is on its way. */
  #rebalances: (() => Promise<void>)[] = []
  #hasEnded = false
  #failure: Error | undefined

  private constructor(config: ProgramConfig, reader: PackedReader, writer: PackedWriter) {
    this.#config = config
    this.#reader = reader
    this.#writer = writer
  }

  static async run(config: ProgramConfig): Promise<void> {
    const { applicationId, input } = config
    const brokers = brokerAddresses(config.brokers)
    const exactlyOnce = config.guarantee === 'exactly-once'
    const isolation = exactlyOnce ? 'read-committed' : 'read-uncommitted'
    const inTransactions = {
      transactionalId: applicationId,
      transactionTimeoutMs: TRANSACTION_TIMEOUT_MS,
      deliveryTimeoutMs: TRANSACTION_TIMEOUT_MS,
    }
    const reader = await PackedReader.open({ ...READING_PACKED, brokers, isolation })
    const writer = await PackedWriter.open({ ...WRITING_PACKED, brokers, ...(exactlyOnce && inTransactions) })
    const program = new ByHandPacked(config, reader, writer)
    const fail = (error: Error) => {
      program.#failure ??= error
    }
    const member = await GroupMember.open(
      { brokers, groupId: applicationId },
      {
        onAssigned: (partitions) => program.#betweenPolls(() => program.#take(partitions)),
        onRevoked: (partitions) => program.#betweenPolls(() => program.#giveUp(partitions)),
        onLost: () => fail(new Error('The group has counted this member out.')),
        onFailed: fail,
      },
    )
    program.#member = member
    if (exactlyOnce) writer.begin()
    member.subscribe([input])
    await program.#loop()
    await program.#end()
  }

  async #loop(): Promise<void> {
    const { records, commitIntervalMs, work } = this.#config
    const stopwatch = new Stopwatch(this.#config)
    let committedAt = performance.now()
    for (let left = records; left > 0;) {
      const { batches, failures } = await this.#reader.poll(AT_ONCE, POLL_MS)
      for (const { error } of failures) throw error
      if (this.#failure !== undefined) throw this.#failure
      for (const batch of batches) {
        stopwatch.read()
        if (work === 'map') await this.#map(batch)
        else await this.#count(batch)
        left -= batch.length
        this.#next.set(batch.partition, (batch.offsets[batch.length - 1] as number) + 1)
      }
      for (const rebalance of this.#rebalances.splice(0)) await rebalance()
      if (left > 0 && performance.now() - committedAt < commitIntervalMs) continue
      await this.#commit()
      committedAt = performance.now()
    }
    stopwatch.done()
  }

  async #count({ partition, length, keys, timestamps }: ReadBatch): Promise<void> {
    const counts = this.#counts[partition]!
    const found = deserializeColumn(serdes.string, keys).values.map((key) => counts.find(key))
    await counts.load()
    const values = Buffer.allocUnsafeSlow(length * COUNT_BYTES)
    for (const [row, count] of found.entries()) {
      counts.increment(count, timestamps[row] as number)
      int64(values, count.value, row * COUNT_BYTES)
    }
    const written = { topic: this.#config.output, length, keys, values: fixedColumn(values), timestamps }
    const last = this.#config.work === 'count-last' ? [...new Map(found.map((count, row) => [count, row])).values()] : undefined
    await this.#writer.write(last === undefined ? written : picked(written, last))
  }

  async #map({ keys, values, timestamps }: ReadBatch): Promise<void> {
    const kept: string[] = []
    const rows: number[] = []
    for (const [row, text] of deserializeColumn(serdes.string, values).values.entries()) {
      if (!isKept(text)) continue
      kept.push(text.toUpperCase())
      rows.push(row)
    }
    const bytes = Buffer.from(kept.join(''))
    const lengths = kept.map((text) => Buffer.byteLength(text))
    await this.#writer.write({
      topic: this.#config.output,
      length: rows.length,
      keys: pickedColumn(keys, rows),
      values: columnOf(bytes, lengths),
      timestamps: rows.map((row) => timestamps[row] as number),
    })
  }

  async #commit(): Promise<void> {
    if (this.#next.size === 0) return
    for (const counts of this.#owned) await this.#writeChangelog(counts)
    const offsets = [...this.#next].map(([partition, offset]) => ({ topic: this.#config.input, partition, offset }))
    if (this.#config.guarantee === 'exactly-once') {
      await this.#member.inPlace(offsets, (place) => this.#writer.sendOffsets(offsets, place))
      await this.#writer.commit()
      this.#writer.begin()
    } else {
      for (const { error } of await this.#writer.flush()) throw error
      await this.#member.commit(offsets)
    }
    this.#next.clear()
    await Promise.all(this.#owned.map((one) => one.save()))
  }

  async #writeChangelog({ partition, changed }: PartitionCounts): Promise<void> {
    const { length } = changed
    if (length === 0) return
    await this.#writer.write({
      topic: this.#config.changelog,
      length,
      keys: viewColumn(changed.map(({ keyBytes }) => keyBytes)),
      values: countColumn(changed),
      timestamps: changed.map(({ timestamp }) => timestamp),
      partitions: new Int32Array(length).fill(partition),
    })
  }

  get #owned(): readonly PartitionCounts[] {
    return this.#counts.filter((one) => one !== undefined)
  }

  #betweenPolls(change: () => Promise<void>): Promise<void> {
    if (this.#hasEnded) return change()
    return new Promise((resolve, reject) => {
      this.#rebalances.push(() => change().then(resolve, reject))
    })
  }

  async #take(partitions: readonly TopicPartition[]): Promise<void> {
    if (this.#config.work !== 'map') {
      const numbers = partitions.map(({ partition }) => partition)
      for (const counts of await restoredPacked(this.#config, numbers)) this.#counts[counts.partition] = counts
    }
    const committed = await this.#member.committed(partitions, true)
    const offsetOf = ({ partition }: TopicPartition) => committed.find((one) => one.partition === partition)?.offset ?? 0
    this.#reader.add(partitions.map((one) => ({ ...one, offset: offsetOf(one) })))
  }

  async #giveUp(partitions: readonly TopicPartition[]): Promise<void> {
    await this.#commit()
    this.#reader.unassign(partitions)
    for (const { partition } of partitions) {
      await this.#counts[partition]?.close()
      this.#counts[partition] = undefined
    }
  }

  async #end(): Promise<void> {
    const { stateFile, work } = this.#config
    if (work !== 'map') await writeState(stateFile, allEntries(this.#owned))
    this.#hasEnded = true
    await this.#member.close()
    await this.#writer.close()
    await this.#reader.close()
  }
}

function countColumn(counts: readonly Count[]): PackedColumn {
  const bytes = Buffer.allocUnsafeSlow(counts.length * COUNT_BYTES)
  for (const [row, { value }] of counts.entries()) int64(bytes, value, row * COUNT_BYTES)
  return fixedColumn(bytes)
}

function fixedColumn(bytes: Buffer): PackedColumn {
  const length = bytes.length / COUNT_BYTES
  const starts = new Int32Array(length)
  const ends = new Int32Array(length)
  for (let row = 0; row < length; row++) {
    starts[row] = row * COUNT_BYTES
    ends[row] = (row + 1) * COUNT_BYTES
  }
  return { form: 'packed', length, bytes, starts, ends }
}

function columnOf(bytes: Buffer, lengths: readonly number[]): PackedColumn {
  const starts = new Int32Array(lengths.length)
  const ends = new Int32Array(lengths.length)
  for (let row = 0, at = 0; row < lengths.length; row++) {
    starts[row] = at
    at += lengths[row] as number
    ends[row] = at
  }
  return { form: 'packed', length: lengths.length, bytes, starts, ends }
}

function picked({ topic, keys, values, timestamps }: WriteColumns, rows: readonly number[]): WriteColumns {
  return {
    topic,
    length: rows.length,
    keys: pickedColumn(keys as PackedColumn, rows),
    values: pickedColumn(values as PackedColumn, rows),
    timestamps: rows.map((row) => timestamps[row] as number),
  }
}

/** Over the same bytes. */
function pickedColumn({ bytes, starts, ends }: PackedColumn, rows: readonly number[]): PackedColumn {
  const of = (places: Int32Array | ArrayLike<number>) => Int32Array.from(rows, (row) => places[row] as number)
  return { form: 'packed', length: rows.length, bytes, starts: of(starts), ends: of(ends) }
}

await ByHandPacked.run(programConfig())
