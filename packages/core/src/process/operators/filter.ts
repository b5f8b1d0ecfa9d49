import type { RecordBatch } from '../../batch/record-batch.ts'
import type { StreamRecord } from '../../batch/stream-record.ts'
import { forwardRows } from '../row-port.ts'
import type { Operator } from './operator.ts'
import { selectRows } from './select-rows.ts'

/** The records for which `predicate` returns `keep`. */
export function filter<K, V>(predicate: (record: StreamRecord<K, V>) => boolean, keep: boolean): Operator<K, V, K, V> {
  return {
    process(record, context) {
      if (Boolean(predicate(record)) === keep) context.forward(record)
    },
    processBatch(batch, context) {
      const isKept = (of: RecordBatch<K, V>, i: number) => Boolean(predicate(of.record(i))) === keep
      forwardRows(context, batch, { rows: selectRows(batch, isKept) })
    },
  }
}
