import type { StreamRecord } from '../../batch/stream-record.ts'
import { BatchRecordError } from '../batch-record-error.ts'
import type { Operator } from './operator.ts'
import { OutputBuilder } from './output-builder.ts'

/** The records for which `predicate` returns `keep`. */
export function filter<K, V>(predicate: (record: StreamRecord<K, V>) => boolean, keep: boolean): Operator<K, V, K, V> {
  return {
    process(record, context) {
      if (Boolean(predicate(record)) === keep) context.forward(record)
    },
    processBatch(batch, context) {
      const output = new OutputBuilder<K, V>()
      let i = 0
      try {
        for (; i < batch.length; i++) {
          const record = batch.record(i)
          if (Boolean(predicate(record)) === keep) output.add(record, i)
        }
      } catch (error) {
        throw new BatchRecordError(i, error)
      }
      output.forwardTo(context)
    },
  }
}
