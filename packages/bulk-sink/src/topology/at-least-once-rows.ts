import type {
  CircuitState,
  CommitUrgency,
  OffsetCommit,
  OpenOutsideSink,
  RecordBatch,
  StagedRecord,
  StartingPartition,
  TopicPartition,
} from '@millrace/core'
import type { Entry } from '../insert/entry.ts'
import type { Dispatcher } from '../insert/dispatcher.ts'
import { Partitions } from './partitions.ts'
import type { BulkRowsOptions } from './row-options.ts'
import { type StagedRow, stageRows } from './staged-rows.ts'
import { untilAborted } from './until-aborted.ts'

export interface RowsParts<K, V> {
  readonly node: string
  readonly dispatcher: Dispatcher
  readonly rows: BulkRowsOptions<K, V>['rows']
  readonly now: () => number
  readonly closeDriver: () => Promise<void>
}

/** Rows are stored as the strategies of their tables say; the offset of a record waits for all of its rows. */
export class AtLeastOnceRows<K, V> implements OpenOutsideSink<K, V> {
  readonly name: string
  readonly #parts: RowsParts<K, V>
  readonly #partitions = new Partitions()

  constructor(parts: RowsParts<K, V>) {
    this.name = parts.node
    this.#parts = parts
  }

  async assign(partitions: readonly StartingPartition[]): Promise<void> {
    for (const partition of partitions) this.#partitions.assign(partition)
  }

  revoke(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      const part = this.#partitions.revoke(partition)
      if (part !== undefined) this.#parts.dispatcher.drop(part)
    }
  }

  stage(batch: RecordBatch<K, V>): readonly unknown[] {
    const { rows, dispatcher } = this.#parts
    return stageRows(batch, rows, (name) => dispatcher.table(name))
  }

  accept(records: readonly StagedRecord[]): void {
    const { dispatcher, now } = this.#parts
    const at = now()
    for (const record of records) {
      const staged = record.staged as readonly StagedRow[]
      const part = this.#partitions.get(record)
      if (part === undefined || staged.length === 0) continue
      const { offset, timestamp } = record
      const slot = part.stage(offset, staged.length)
      for (const { table, row, priority, bytes } of staged) {
        const entry: Entry = { row, bytes, part, slot, at, offset, timestamp }
        dispatcher.accept(table, entry, priority)
      }
    }
  }

  async prepare(offsets: readonly OffsetCommit[], { flush, signal }: CommitUrgency): Promise<readonly OffsetCommit[]> {
    // While the server is in trouble nobody is kept waiting: what is stored is what can be committed.
    if (flush) await untilAborted(this.#parts.dispatcher.flush('shutdown', false), signal)
    return this.#partitions.durable(offsets)
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
}
