import { headersOf } from './headers-of.ts'
import type { Operator } from './operator.ts'

/** Passes every record on: where several streams become one. */
export function passThrough<K, V>(): Operator<K, V, K, V> {
  return {
    process(record, context) {
      context.forward(record)
    },
    processBatch(batch, context) {
      context.forwardBatch({ keys: batch.keys, values: batch.values, headers: headersOf(batch) })
    },
  }
}
