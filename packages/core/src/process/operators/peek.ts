import type { StreamRecord } from '../../batch/stream-record.ts'
import { BatchRecordError } from '../batch-record-error.ts'
import { forwardRows } from '../row-port.ts'
import type { Operator } from './operator.ts'

/** Calls `action` with each record and passes it on. */
export function peek<K, V>(action: (record: StreamRecord<K, V>) => void): Operator<K, V, K, V> {
  return {
    process(record, context) {
      action(record)
      context.forward(record)
    },
    processBatch(batch, context) {
      let i = 0
      try {
        for (; i < batch.length; i++) action(batch.record(i))
      } catch (error) {
        throw new BatchRecordError(i, error)
      }
      forwardRows(context, batch, {})
    },
  }
}
