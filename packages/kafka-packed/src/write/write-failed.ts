import { bytesAt } from '@millrace/core'
import type { PackedError } from '../errors/packed-error.ts'
import type { SealedBatch, WritableColumns } from '../records/batch-builder.ts'
import { BatchReader } from '../records/batch-reader.ts'

/** Records that were not written, and why. */
export interface WriteFailed {
  readonly topic: string
  /** Counted from 0. */
  readonly partition: number
  /** How many of them: they are neighbours of the partition, in the order they were given. */
  readonly records: number
  /** The first that the broker found wrong; where it named none, the first of all. */
  readonly record: FailedRecord
  readonly error: PackedError
  /** Those that the broker found wrong, by their place among these. Default: it named none. */
  readonly refused?: readonly RefusedRecord[] | undefined
}

/** By which a record can be found again. */
export interface FailedRecord {
  /** Its place among those that failed with it. */
  readonly index: number
  readonly key: Uint8Array | null
  /** Milliseconds since the epoch. */
  readonly timestamp: number
}

/** A record that the broker found wrong. */
export interface RefusedRecord {
  /** Its place in the batch. */
  readonly index: number
  /** What is wrong with it, in the broker's words. */
  readonly message: string | null
}

/** The record at `index` of a batch. */
export function recordOf({ bytes }: SealedBatch, index: number): FailedRecord {
  const reader = new BatchReader(bytes, { fromOffset: index })
  const columns = reader.read(1)
  if (columns === undefined) throw new RangeError(`a batch has no record ${index}`)
  return { ...recordAt(columns, 0), index }
}

/** The record at `row`, which failed by itself. */
export function recordAt({ keys, timestamps }: Pick<WritableColumns, 'keys' | 'timestamps'>, row: number): FailedRecord {
  const key = bytesAt(keys, row)
  return { index: 0, key: key === null ? null : Uint8Array.from(key), timestamp: timestamps[row] as number }
}
