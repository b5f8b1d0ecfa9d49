import { type BytesColumn, murmur2 } from '@millrace/core'
import type { WritableColumns } from '../records/batch-builder.ts'
import type { OnDelivered } from './record-delivery.ts'

/** Records for one topic, as columns. */
export interface WriteColumns extends WritableColumns {
  readonly topic: string
  /** Of records. */
  readonly length: number
  /** Milliseconds since the epoch, of which fractions are cut off. Negative, or no number: the time at which it is written. */
  readonly timestamps: ArrayLike<number>
  /** Of each record. Absent, or -1: by key, as Kafka's default partitioner (murmur2); records without a key are spread. A record for one that is not there fails by itself. */
  readonly partitions?: ArrayLike<number> | undefined
  /** Told of each record where it was written, or why it was not: costs an object a record. Failures are told by `flush`, too. Default: nobody is told. */
  readonly onDelivered?: OnDelivered | undefined
}

/** Says of a record that its partition is for the writer to choose. */
export const NO_PARTITION = -1

/** Whether all partitions are there that records are for, of so many. */
export function areThere({ length, partitions }: WriteColumns, count: number): boolean {
  if (partitions === undefined) return true
  for (let row = 0; row < length; row++) {
    const partition = partitions[row] as number
    if (!(partition >= NO_PARTITION && partition < count)) return false
  }
  return true
}

/** Every record has a time that can be written. */
export function timed(columns: WriteColumns, now: number): WriteColumns {
  const { length, timestamps } = columns
  let isGood = true
  for (let row = 0; row < length && isGood; row++) isGood = (timestamps[row] as number) >= 0 && Number.isInteger(timestamps[row])
  if (isGood) return columns
  const times = Float64Array.from({ length }, (_, row) => {
    const time = timestamps[row] as number
    return time >= 0 ? Math.trunc(time) : now
  })
  return { ...columns, timestamps: times }
}

/** By which a key chooses its partition; undefined for null. */
export function hashAt(column: BytesColumn, row: number): number | undefined {
  if (column.form === 'views') {
    const view = column.views[row] ?? null
    return view === null ? undefined : murmur2(view)
  }
  const end = column.ends[row] as number
  return end < 0 ? undefined : murmur2(column.bytes, column.starts[row], end)
}
