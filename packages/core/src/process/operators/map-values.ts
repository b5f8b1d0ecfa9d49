import type { StreamRecord } from '../../batch/stream-record.ts'
import { BatchRecordError } from '../batch-record-error.ts'
import { headersOf } from './headers-of.ts'
import type { Operator } from './operator.ts'

/** Another value for each record; key, timestamp and headers stay. */
export function mapValues<K, V, VOut>(mapper: (value: V, record: StreamRecord<K, V>) => VOut): Operator<K, V, K, VOut> {
  return {
    process(record, context) {
      const { key, value, timestamp, headers } = record
      context.forward({ key, value: mapper(value, record), timestamp, headers })
    },
    processBatch(batch, context) {
      const values = new Array<VOut>(batch.length)
      let i = 0
      try {
        for (; i < batch.length; i++) {
          const record = batch.record(i)
          values[i] = mapper(record.value, record)
        }
      } catch (error) {
        throw new BatchRecordError(i, error)
      }
      context.forwardBatch({ keys: batch.keys, values, headers: headersOf(batch) })
    },
  }
}
