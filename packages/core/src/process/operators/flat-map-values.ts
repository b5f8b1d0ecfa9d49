import type { StreamRecord } from '../../batch/stream-record.ts'
import { BatchRecordError } from '../batch-record-error.ts'
import type { Operator } from './operator.ts'
import { OutputBuilder } from './output-builder.ts'

/** Any number of values for each record; key, timestamp and headers stay. */
export function flatMapValues<K, V, VOut>(mapper: (value: V, record: StreamRecord<K, V>) => Iterable<VOut>): Operator<K, V, K, VOut> {
  return {
    process(record, context) {
      const { key, timestamp, headers } = record
      for (const value of mapper(record.value, record)) context.forward({ key, value, timestamp, headers })
    },
    processBatch(batch, context) {
      const output = new OutputBuilder<K, VOut>()
      let i = 0
      try {
        for (; i < batch.length; i++) {
          const record = batch.record(i)
          const { key, timestamp, headers } = record
          for (const value of mapper(record.value, record)) output.add({ key, value, timestamp, headers }, i)
        }
      } catch (error) {
        throw new BatchRecordError(i, error)
      }
      output.forwardTo(context)
    },
  }
}
