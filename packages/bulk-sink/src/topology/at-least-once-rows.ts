import type { CommitUrgency, OffsetCommit, StagedRecord, StartingPartition } from '@millrace/core'
import type { Entry } from '../insert/entry.ts'
import { DispatchedRows, type DispatchedRowsParts } from './dispatched-rows.ts'
import type { StagedRow } from './staged-rows.ts'

/** Rows are stored as the strategies of their tables say. */
export class AtLeastOnceRows<K, V> extends DispatchedRows<K, V> {
  readonly #parts: DispatchedRowsParts<K, V>

  constructor(parts: DispatchedRowsParts<K, V>) {
    super(parts)
    this.#parts = parts
  }

  async assign(partitions: readonly StartingPartition[]): Promise<void> {
    for (const partition of partitions) this.partitions.assign(partition)
  }

  accept(records: readonly StagedRecord[]): void {
    const { dispatcher, now } = this.#parts
    const at = now()
    for (const record of records) {
      const staged = record.staged as readonly StagedRow[]
      const part = this.partitions.get(record)
      if (part === undefined || staged.length === 0) continue
      const { offset, timestamp } = record
      const slot = part.stage(offset, staged.length)
      for (const { table, row, priority, bytes } of staged) {
        const entry: Entry = { row, bytes, part, slot, at, offset, timestamp, place: 0 }
        dispatcher.accept(table, entry, priority)
      }
    }
  }

  async prepare(offsets: readonly OffsetCommit[], urgency: CommitUrgency): Promise<readonly OffsetCommit[]> {
    await this.flushed(urgency)
    return this.partitions.durable(offsets)
  }
}
