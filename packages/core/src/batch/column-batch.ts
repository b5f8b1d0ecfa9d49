import type { BatchTrigger } from './batch-trigger.ts'
import type { EncodedRows } from './encoded-rows.ts'
import { type Headers, NO_HEADERS } from './headers.ts'
import { LazyColumn, pickValues } from './lazy-column.ts'
import type { RecordBatch } from './record-batch.ts'
import type { StreamRecord } from './stream-record.ts'

/** The columns of a {@link ColumnBatch}, all of one length. */
export interface BatchColumns<K, V> {
  readonly topic: string
  readonly partition: number
  readonly trigger: BatchTrigger
  readonly keys: readonly K[] | LazyColumn<K>
  readonly values: readonly V[] | LazyColumn<V>
  /** Milliseconds since the epoch. */
  readonly timestamps: ArrayLike<number>
  readonly offsets: ArrayLike<number>
  /** Milliseconds since the epoch. Default: the highest timestamp of the batch so far. */
  readonly streamTimes?: ArrayLike<number> | undefined
  /** Default: no record has headers. */
  readonly headers?: readonly (Headers | undefined)[] | undefined
}

/** What {@link ColumnBatch.select} takes. */
export interface Selection {
  /** Ascending. Default: all. */
  readonly rows?: Int32Array | undefined
  /** Of the records selected. Default: as they are. */
  readonly keys?: readonly unknown[] | undefined
  /** Of the records selected. Default: as they are. */
  readonly values?: readonly unknown[] | undefined
  /** `none`: the records selected have none. Default: as they are. */
  readonly headers?: 'none' | undefined
}

/** A {@link RecordBatch} over arrays, which are not copied. */
export class ColumnBatch<K, V> implements RecordBatch<K, V> {
  readonly topic: string
  readonly partition: number
  readonly trigger: BatchTrigger
  readonly length: number
  readonly #keys: readonly K[] | LazyColumn<K>
  readonly #values: readonly V[] | LazyColumn<V>
  readonly #timestamps: ArrayLike<number>
  readonly #offsets: ArrayLike<number>
  readonly #streamTimes: ArrayLike<number>
  readonly #headers: readonly (Headers | undefined)[] | undefined

  constructor(columns: BatchColumns<K, V>) {
    this.topic = columns.topic
    this.partition = columns.partition
    this.trigger = columns.trigger
    this.length = columns.offsets.length
    this.#keys = columns.keys
    this.#values = columns.values
    this.#timestamps = columns.timestamps
    this.#offsets = columns.offsets
    this.#streamTimes = columns.streamTimes ?? runningMaximum(columns.timestamps)
    this.#headers = columns.headers
  }

  get keys(): readonly K[] {
    const keys = this.#keys
    return keys instanceof LazyColumn ? keys.values : keys
  }

  get values(): readonly V[] {
    const values = this.#values
    return values instanceof LazyColumn ? values.values : values
  }

  /** The keys as bytes, as long as nobody has asked for {@link keys}. */
  get encodedKeys(): EncodedRows<K> | undefined {
    return this.#keys instanceof LazyColumn ? this.#keys.encoded : undefined
  }

  /** The values as bytes, as long as nobody has asked for {@link values}. */
  get encodedValues(): EncodedRows<V> | undefined {
    return this.#values instanceof LazyColumn ? this.#values.encoded : undefined
  }

  /** Whether `column` is this batch's own array of keys. */
  hasKeys(column: readonly unknown[]): boolean {
    return isOf(this.#keys, column)
  }

  /** Milliseconds since the epoch; not a copy. */
  get timestamps(): ArrayLike<number> {
    return this.#timestamps
  }

  /** Whether any record may have headers. */
  get hasHeaders(): boolean {
    return this.#headers !== undefined
  }

  /** Some records, or all of them, or what they became: nothing that stays is decoded. */
  select({ rows, keys, values, headers }: Selection): ColumnBatch<unknown, unknown> {
    const { topic, partition, trigger } = this
    const pick = (numbers: ArrayLike<number>) => (rows === undefined ? numbers : pickNumbers(numbers, rows))
    const ownHeaders = headers === 'none' ? undefined : this.#headers
    return new ColumnBatch<unknown, unknown>({
      topic,
      partition,
      trigger,
      keys: keys ?? picked<unknown>(this.#keys, rows),
      values: values ?? picked<unknown>(this.#values, rows),
      timestamps: pick(this.#timestamps),
      offsets: pick(this.#offsets),
      streamTimes: pick(this.#streamTimes),
      headers: ownHeaders === undefined || rows === undefined ? ownHeaders : pickValues(ownHeaders, rows),
    })
  }

  get firstOffset(): number {
    return this.#offsets[0] as number
  }

  get lastOffset(): number {
    return this.#offsets[this.length - 1] as number
  }

  timestamp(i: number): number {
    return this.#timestamps[i] as number
  }

  offset(i: number): number {
    return this.#offsets[i] as number
  }

  headers(i: number): Headers {
    return this.#headers?.[i] ?? NO_HEADERS
  }

  streamTime(i: number): number {
    return this.#streamTimes[i] as number
  }

  record(i: number): StreamRecord<K, V> {
    return {
      key: this.keys[i] as K,
      value: this.values[i] as V,
      timestamp: this.#timestamps[i] as number,
      headers: this.#headers?.[i] ?? NO_HEADERS,
      topic: this.topic,
      partition: this.partition,
      offset: this.#offsets[i],
    }
  }

  *[Symbol.iterator](): Iterator<StreamRecord<K, V>> {
    for (let i = 0; i < this.length; i++) yield this.record(i)
  }
}

function runningMaximum(timestamps: ArrayLike<number>): number[] {
  const times = new Array<number>(timestamps.length)
  let time = -1
  for (let i = 0; i < times.length; i++) times[i] = time = Math.max(time, timestamps[i] as number)
  return times
}

function isOf<T>(column: readonly T[] | LazyColumn<T>, array: readonly unknown[]): boolean {
  if (!(column instanceof LazyColumn)) return column === array
  return column.isDecoded && column.values === array
}

function picked<T>(column: readonly T[] | LazyColumn<T>, rows: Int32Array | undefined): readonly T[] | LazyColumn<T> {
  if (rows === undefined) return column
  return column instanceof LazyColumn ? column.pick(rows) : pickValues(column, rows)
}

function pickNumbers(numbers: ArrayLike<number>, rows: Int32Array): Float64Array {
  const picks = new Float64Array(rows.length)
  for (let i = 0; i < rows.length; i++) picks[i] = numbers[rows[i] as number] as number
  return picks
}
