import type { StreamRecord } from '../../batch/stream-record.ts'
import { BatchRecordError } from '../batch-record-error.ts'
import { headersOf } from './headers-of.ts'
import type { Operator } from './operator.ts'

/** Another key for each record; value, timestamp and headers stay. */
export function selectKey<K, V, KOut>(selector: (record: StreamRecord<K, V>) => KOut): Operator<K, V, KOut, V> {
  return {
    process(record, context) {
      const { value, timestamp, headers } = record
      context.forward({ key: selector(record), value, timestamp, headers })
    },
    processBatch(batch, context) {
      const keys = new Array<KOut>(batch.length)
      let i = 0
      try {
        for (; i < batch.length; i++) keys[i] = selector(batch.record(i))
      } catch (error) {
        throw new BatchRecordError(i, error)
      }
      context.forwardBatch({ keys, values: batch.values, headers: headersOf(batch) })
    },
  }
}
