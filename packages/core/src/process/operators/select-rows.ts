import type { RecordBatch } from '../../batch/record-batch.ts'
import { BatchRecordError } from '../batch-record-error.ts'

/** The rows of a batch for which `isKept` is true; undefined: all of them. Throws a {@link BatchRecordError} for a row of which it can't say. */
export function selectRows<K, V>(
  batch: RecordBatch<K, V>,
  isKept: (batch: RecordBatch<K, V>, i: number) => boolean,
): Int32Array | undefined {
  const rows = new Int32Array(batch.length)
  let count = 0
  let i = 0
  try {
    for (; i < batch.length; i++) if (isKept(batch, i)) rows[count++] = i
  } catch (error) {
    throw new BatchRecordError(i, error)
  }
  return count === batch.length ? undefined : rows.subarray(0, count)
}
