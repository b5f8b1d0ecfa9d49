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
import type { Dispatcher } from '../insert/dispatcher.ts'
import { flushTypeOf } from '../insert/entry.ts'
import type { PartitionProgress } from '../insert/partition-progress.ts'
import { Partitions } from './partitions.ts'
import type { BulkRowsOptions } from './row-options.ts'
import { stageRows } from './staged-rows.ts'
import { untilAborted } from './until-aborted.ts'

/** What rows that a dispatcher inserts are stored by. */
export interface DispatchedRowsParts<K, V> {
  readonly node: string
  readonly dispatcher: Dispatcher
  readonly rows: BulkRowsOptions<K, V>['rows']
  readonly now: () => number
  readonly closeDriver: () => Promise<void>
}

/** A sink whose rows are inserted by a dispatcher, each batch by itself; the offset of a record waits for all of its rows. */
export abstract class DispatchedRows<K, V> implements OpenOutsideSink<K, V> {
  readonly name: string
  protected readonly partitions = new Partitions()
  readonly #parts: DispatchedRowsParts<K, V>

  protected constructor(parts: DispatchedRowsParts<K, V>) {
    this.name = parts.node
    this.#parts = parts
  }

  abstract assign(partitions: readonly StartingPartition[], signal: AbortSignal): Promise<void>

  abstract accept(records: readonly StagedRecord[]): void

  abstract prepare(offsets: readonly OffsetCommit[], urgency: CommitUrgency): Promise<readonly OffsetCommit[]>

  revoke(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      const part = this.partitions.revoke(partition)
      if (part !== undefined) this.#parts.dispatcher.drop(part)
    }
  }

  stage(batch: RecordBatch<K, V>): readonly unknown[] {
    const { rows, dispatcher } = this.#parts
    return stageRows(batch, rows, (name) => dispatcher.table(name))
  }

  get circuits(): ReadonlyMap<string, CircuitState> {
    return this.#parts.dispatcher.circuits
  }

  full(partitions: readonly TopicPartition[]): boolean {
    return this.#parts.dispatcher.usage.fullFor(this.#of(partitions))
  }

  room(partitions: readonly TopicPartition[]): Promise<void> {
    return this.#parts.dispatcher.roomFor(this.#of(partitions))
  }

  async close(): Promise<void> {
    this.#parts.dispatcher.end()
    await this.#parts.closeDriver()
  }

  /** Stores what there is, where somebody waits for that. While the server is in trouble nobody is kept waiting: what is stored is what can be committed. */
  protected async flushed(urgency: CommitUrgency): Promise<void> {
    if (urgency.flush) await untilAborted(this.#parts.dispatcher.flush(flushTypeOf(urgency), false), urgency.signal)
  }

  #of(partitions: readonly TopicPartition[]): PartitionProgress[] {
    return this.partitions.of(partitions)
  }
}
