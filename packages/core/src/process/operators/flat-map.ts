import type { OutputRecord, StreamRecord } from '../../batch/stream-record.ts'
import { BatchRecordError } from '../batch-record-error.ts'
import type { Operator } from './operator.ts'
import { OutputBuilder } from './output-builder.ts'

/** Any number of records for each record. */
export function flatMap<K, V, KOut, VOut>(
  mapper: (record: StreamRecord<K, V>) => Iterable<OutputRecord<KOut, VOut>>,
): Operator<K, V, KOut, VOut> {
  return {
    process(record, context) {
      for (const output of mapper(record)) context.forward(output)
    },
    processBatch(batch, context) {
      const output = new OutputBuilder<KOut, VOut>()
      let i = 0
      try {
        for (; i < batch.length; i++) for (const record of mapper(batch.record(i))) output.add(record, i)
      } catch (error) {
        throw new BatchRecordError(i, error)
      }
      output.forwardTo(context)
    },
  }
}
