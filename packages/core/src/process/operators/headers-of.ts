import type { Headers } from '../../batch/headers.ts'
import type { RecordBatch } from '../../batch/record-batch.ts'

/** The headers of all records of a batch, to be forwarded with other columns; undefined where no record has any. */
export function headersOf<K, V>(batch: RecordBatch<K, V>): Headers[] | undefined {
  for (let i = 0; i < batch.length; i++) {
    if (batch.headers(i).length === 0) continue
    const headers = new Array<Headers>(batch.length)
    for (let j = 0; j < batch.length; j++) headers[j] = batch.headers(j)
    return headers
  }
  return undefined
}
