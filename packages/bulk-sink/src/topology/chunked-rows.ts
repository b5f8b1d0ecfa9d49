import {
  type CircuitState,
  type CommitUrgency,
  MillraceError,
  type OffsetCommit,
  type OpenOutsideSink,
  partitionKey,
  type RecordBatch,
  type StagedRecord,
  type StartingPartition,
  type TopicPartition,
} from '@millrace/core'
import type { SinkDriver } from '../driver/driver.ts'
import type { Entry } from '../insert/entry.ts'
import type { RowsParts } from './at-least-once-rows.ts'
import { Partitions } from './partitions.ts'
import { refusePunctuated } from './refuse-punctuated.ts'
import { type StagedRow, stageRows } from './staged-rows.ts'
import { untilAborted } from './until-aborted.ts'
import { type Asking, untilAnswered } from './until-answered.ts'

export interface ChunkedRowsParts<K, V> extends RowsParts<K, V> {
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
export class ChunkedRows<K, V> implements OpenOutsideSink<K, V> {
  readonly name: string
  readonly #parts: ChunkedRowsParts<K, V>
  readonly #partitions = new Partitions()
  /** By partition, the oldest first. */
  readonly #chunks = new Map<string, Chunk[]>()
  /** Of partitions, what their topics are told from others of the same name by. */
  readonly #topicIds = new Map<string, string>()
  #isChecked = false

  constructor(parts: ChunkedRowsParts<K, V>) {
    this.name = parts.node
    this.#parts = parts
  }

  async assign(partitions: readonly StartingPartition[], signal: AbortSignal): Promise<void> {
    const { driver, tables, asking } = this.#parts
    if (!this.#isChecked) await untilAnswered(() => checkTokens(this.name, driver, tables), asking, signal)
    this.#isChecked = true
    for (const partition of partitions) {
      const key = partitionKey(partition.topic, partition.partition)
      this.#partitions.assign(partition)
      this.#chunks.set(key, [])
      this.#topicIds.set(key, partition.topicId ?? '')
    }
  }

  revoke(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      const key = partitionKey(partition.topic, partition.partition)
      this.#chunks.delete(key)
      const part = this.#partitions.revoke(partition)
      if (part !== undefined) this.#parts.dispatcher.drop(part)
    }
  }

  stage(batch: RecordBatch<K, V>): readonly unknown[] {
    const { rows, dispatcher } = this.#parts
    return stageRows(batch, rows, (name) => dispatcher.table(name))
  }

  accept(records: readonly StagedRecord[]): void {
    const at = this.#parts.now()
    for (const record of records) {
      const staged = record.staged as readonly StagedRow[]
      const part = this.#partitions.get(record)
      const chunks = this.#chunks.get(partitionKey(record.topic, record.partition))
      if (part === undefined || chunks === undefined) continue
      const { offset, timestamp } = record
      refusePunctuated(this.name, offset)
      const chunk = this.#chunkOf(chunks, Math.floor(offset / this.#parts.chunkSize))
      if (staged.length === 0) continue
      const slot = part.stage(offset, staged.length)
      for (const { table, row, bytes } of staged) {
        const entry: Entry = { row, bytes, part, slot, at, offset, timestamp }
        const same = chunk.rows.get(table)
        if (same === undefined) chunk.rows.set(table, [entry])
        else same.push(entry)
      }
      this.#submit(record, chunks, offset)
    }
  }

  async prepare(offsets: readonly OffsetCommit[], { flush, signal }: CommitUrgency): Promise<readonly OffsetCommit[]> {
    for (const at of offsets) {
      const chunks = this.#chunks.get(partitionKey(at.topic, at.partition))
      if (chunks !== undefined) this.#submit(at, chunks, at.offset)
    }
    if (flush) await untilAborted(this.#parts.dispatcher.flush('shutdown', false), signal)
    const { chunkSize } = this.#parts
    // In the middle of a chunk that may be stored meanwhile nobody may begin, however far the log has got.
    return this.#partitions.durable(offsets, (lowest, start) => Math.max(start, Math.floor(lowest / chunkSize) * chunkSize))
  }

  get circuits(): ReadonlyMap<string, CircuitState> {
    return this.#parts.dispatcher.circuits
  }

  full(partitions: readonly TopicPartition[]): boolean {
    return this.#parts.dispatcher.usage.fullFor(this.#partitions.of(partitions))
  }

  room(partitions: readonly TopicPartition[]): Promise<void> {
    return this.#parts.dispatcher.usage.roomFor(this.#partitions.of(partitions))
  }

  async close(): Promise<void> {
    this.#parts.dispatcher.end()
    await this.#parts.closeDriver()
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
async function checkTokens(node: string, driver: SinkDriver, tables: readonly string[]): Promise<void> {
  const problems: string[] = []
  if (driver.check === undefined) problems.push(`${driver.name} can't check rows without storing them`)
  for (const table of tables) {
    const problem = driver.tokens === undefined ? `${driver.name} knows no de-duplication tokens` : await driver.tokens(table)
    if (problem !== undefined && !problems.includes(problem)) problems.push(problem)
  }
  if (problems.length === 0) return
  const list = problems.map((problem) => `\n  - ${problem}`).join('')
  throw new MillraceError('EXACTLY_ONCE_UNSUPPORTED', `Sink '${node}' can't be exactly once:${list}`, { stage: 'sink', node })
}
