import {
  type CommitUrgency,
  MillraceError,
  type OffsetCommit,
  partitionKey,
  type StagedRecord,
  type StartingPartition,
  type TopicPartition,
} from '@millrace/core'
import type { SinkDriver, TokensQuestion } from '../driver/driver.ts'
import type { Entry } from '../insert/entry.ts'
import { DispatchedRows, type DispatchedRowsParts } from './dispatched-rows.ts'
import { refusePunctuated } from './refuse-punctuated.ts'
import type { StagedRow } from './staged-rows.ts'
import { type Asking, untilAnswered } from './until-answered.ts'

/** Inserts of one partition that a table is to remember at least: a chunk is made again by who has the partition next, while others go on. */
const INSERTS_A_PARTITION = 100

export interface ChunkedRowsParts<K, V> extends DispatchedRowsParts<K, V> {
  readonly applicationId: string
  readonly chunkSize: number
  readonly driver: SinkDriver
  readonly tables: readonly string[]
  readonly asking: Asking
}

/** The rows of the offsets from one multiple of the size up to the next, by table. */
interface Chunk {
  readonly index: number
  readonly rows: Map<string, Entry[]>
}

/**
 * Rows in chunks whose bounds are multiples of a number of offsets, so that a chunk has the same token whenever it is made again: after a restart, or by
 * another process. The server drops what it has seen. A chunk is inserted when all of it has been processed, and never before: its token would stand for fewer
 * rows than it has in the end. For the same reason nobody begins in the middle of one: what is committed is where a chunk begins. Chunks that are not full take
 * memory that nothing limits but their size; the last records of a topic wait, and their offsets with them.
 */
export class ChunkedRows<K, V> extends DispatchedRows<K, V> {
  readonly #parts: ChunkedRowsParts<K, V>
  /** By partition, the oldest first. */
  readonly #chunks = new Map<string, Chunk[]>()
  /** Of partitions, what their topics are told from others of the same name by. */
  readonly #topicIds = new Map<string, string>()
  /** For how many partitions the server was asked whether it remembers enough. */
  #checkedFor = 0

  constructor(parts: ChunkedRowsParts<K, V>) {
    super(parts)
    this.#parts = parts
  }

  async assign(partitions: readonly StartingPartition[], signal: AbortSignal): Promise<void> {
    await this.#check(this.#chunks.size + partitions.length, signal)
    signal.throwIfAborted()
    for (const partition of partitions) {
      const key = partitionKey(partition.topic, partition.partition)
      this.partitions.assign(partition)
      this.#chunks.set(key, [])
      this.#topicIds.set(key, partition.topicId ?? '')
    }
  }

  override revoke(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) this.#chunks.delete(partitionKey(topic, partition))
    super.revoke(partitions)
  }

  /** With more partitions more inserts may come between one and its repeat. */
  async #check(partitions: number, signal: AbortSignal): Promise<void> {
    if (partitions <= this.#checkedFor) return
    const { driver, tables, asking } = this.#parts
    const inserts = INSERTS_A_PARTITION * partitions
    await untilAnswered(() => checkTokens(this.name, driver, { tables, inserts, signal }), asking, signal)
    this.#checkedFor = partitions
  }

  accept(records: readonly StagedRecord[]): void {
    const at = this.#parts.now()
    for (const record of records) {
      const staged = record.staged as readonly StagedRow[]
      const part = this.partitions.get(record)
      const chunks = this.#chunks.get(partitionKey(record.topic, record.partition))
      if (part === undefined || chunks === undefined) continue
      const { offset, timestamp } = record
      refusePunctuated(this.name, offset)
      const chunk = this.#chunkOf(chunks, Math.floor(offset / this.#parts.chunkSize))
      if (staged.length === 0) continue
      const slot = part.stage(offset, staged.length)
      for (const { table, row, bytes } of staged) {
        const entry: Entry = { row, bytes, part, slot, at, offset, timestamp, place: 0 }
        const same = chunk.rows.get(table)
        if (same === undefined) chunk.rows.set(table, [entry])
        else same.push(entry)
      }
      this.#submit(record, chunks, offset)
    }
  }

  async prepare(offsets: readonly OffsetCommit[], urgency: CommitUrgency): Promise<readonly OffsetCommit[]> {
    for (const at of offsets) {
      const chunks = this.#chunks.get(partitionKey(at.topic, at.partition))
      if (chunks !== undefined) this.#submit(at, chunks, at.offset)
    }
    await this.flushed(urgency)
    const { chunkSize } = this.#parts
    // In the middle of a chunk that may be stored meanwhile nobody may begin, however far the log has got.
    return this.partitions.durable(offsets, (lowest, start) => Math.max(start, Math.floor(lowest / chunkSize) * chunkSize))
  }

  #chunkOf(chunks: Chunk[], index: number): Chunk {
    const last = chunks.at(-1)
    if (last?.index === index) return last
    const chunk = { index, rows: new Map<string, Entry[]>() }
    chunks.push(chunk)
    return chunk
  }

  /** Everything of a partition below `next` was processed: chunks that end there, or before, are complete. */
  #submit({ topic, partition }: TopicPartition, chunks: Chunk[], next: number): void {
    const { chunkSize, applicationId, dispatcher, node } = this.#parts
    const from = `${topic}-${partition}/${this.#topicIds.get(partitionKey(topic, partition))}`
    while (chunks[0] !== undefined && (chunks[0].index + 1) * chunkSize <= next) {
      const chunk = chunks.shift() as Chunk
      const bounds = `${chunk.index * chunkSize}-${(chunk.index + 1) * chunkSize}`
      for (const [table, entries] of chunk.rows) dispatcher.submit(table, entries, `${applicationId}/${node}/${table}/${from}/${bounds}`)
    }
  }
}

/** Rejects unless the server drops repeats of every table. */
async function checkTokens(
  node: string,
  driver: SinkDriver,
  { tables, inserts, signal }: Pick<TokensQuestion, 'inserts' | 'signal'> & { readonly tables: readonly string[] },
): Promise<void> {
  const problems: string[] = []
  if (driver.check === undefined) problems.push(`${driver.name} can't check rows without storing them`)
  for (const table of tables) {
    const problem =
      driver.tokens === undefined ? `${driver.name} knows no de-duplication tokens` : await driver.tokens({ table, inserts, signal })
    if (problem !== undefined && !problems.includes(problem)) problems.push(problem)
  }
  if (problems.length === 0) return
  const list = problems.map((problem) => `\n  - ${problem}`).join('')
  throw new MillraceError('EXACTLY_ONCE_UNSUPPORTED', `Sink '${node}' can't be exactly once:${list}`, { stage: 'sink', node })
}
