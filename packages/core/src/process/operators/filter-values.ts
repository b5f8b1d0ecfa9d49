import { forwardRows } from '../row-port.ts'
import type { Operator } from './operator.ts'
import { selectRows } from './select-rows.ts'

/** The records for whose value `predicate` is true. */
export function filterValues<K, V>(predicate: (value: V) => boolean): Operator<K, V, K, V> {
  return {
    process(record, context) {
      if (predicate(record.value)) context.forward(record)
    },
    processBatch(batch, context) {
      const { values } = batch
      forwardRows(context, batch, { rows: selectRows(batch, (_, i) => Boolean(predicate(values[i] as V))) })
    },
  }
}
