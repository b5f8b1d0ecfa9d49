import type { OutputRecord, StreamRecord } from '../../batch/stream-record.ts'
import { BatchRecordError } from '../batch-record-error.ts'
import type { Operator } from './operator.ts'
import { OutputBuilder } from './output-builder.ts'

/** One record for each record. */
export function map<K, V, KOut, VOut>(mapper: (record: StreamRecord<K, V>) => OutputRecord<KOut, VOut>): Operator<K, V, KOut, VOut> {
  return {
    process(record, context) {
      context.forward(mapper(record))
    },
    processBatch(batch, context) {
      const output = new OutputBuilder<KOut, VOut>()
      let i = 0
      try {
        for (; i < batch.length; i++) output.add(mapper(batch.record(i)), i)
      } catch (error) {
        throw new BatchRecordError(i, error)
      }
      output.forwardTo(context)
    },
  }
}
