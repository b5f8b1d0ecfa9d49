import type { BatchTrigger } from './batch-trigger.ts'
import { type Headers, NO_HEADERS } from './headers.ts'
import type { RecordBatch } from './record-batch.ts'
import type { StreamRecord } from './stream-record.ts'

/** The columns of a {@link ColumnBatch}, all of one length. `keys` and `values` may be functions: called once, on first use. */
export interface BatchColumns<K, V> {
  readonly topic: string
  readonly partition: number
  readonly trigger: BatchTrigger
  readonly keys: readonly K[] | (() => readonly K[])
  readonly values: readonly V[] | (() => readonly V[])
  /** Milliseconds since the epoch. */
  readonly timestamps: ArrayLike<number>
  readonly offsets: ArrayLike<number>
  /** Milliseconds since the epoch. Default: the highest timestamp of the batch so far. */
  readonly streamTimes?: ArrayLike<number> | undefined
  /** Default: no record has headers. */
  readonly headers?: readonly (Headers | undefined)[] | undefined
}

/** A {@link RecordBatch} over arrays, which are not copied. */
export class ColumnBatch<K, V> implements RecordBatch<K, V> {
  readonly topic: string
  readonly partition: number
  readonly trigger: BatchTrigger
  readonly length: number
  #keys: readonly K[] | (() => readonly K[])
  #values: readonly V[] | (() => readonly V[])
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
    if (typeof this.#keys === 'function') this.#keys = this.#keys()
    return this.#keys
  }

  get values(): readonly V[] {
    if (typeof this.#values === 'function') this.#values = this.#values()
    return this.#values
  }

  /** Whether `column` is this batch's own array of keys. */
  hasKeys(column: readonly unknown[]): boolean {
    return this.#keys === column
  }

  /** Milliseconds since the epoch; not a copy. */
  get timestamps(): ArrayLike<number> {
    return this.#timestamps
  }

  /** Whether any record may have headers. */
  get hasHeaders(): boolean {
    return this.#headers !== undefined
  }

  /** The same records with other keys and values, and without headers. Nothing is copied. */
  withContents<KOut, VOut>(keys: readonly KOut[], values: readonly VOut[]): ColumnBatch<KOut, VOut> {
    const { topic, partition, trigger } = this
    return new ColumnBatch({
      topic,
      partition,
      trigger,
      keys,
      values,
      timestamps: this.#timestamps,
      offsets: this.#offsets,
      streamTimes: this.#streamTimes,
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
