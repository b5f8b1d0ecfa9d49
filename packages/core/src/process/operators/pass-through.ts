import { forwardRows } from '../row-port.ts'
import type { Operator } from './operator.ts'

/** Passes every record on: where several streams become one. */
export function passThrough<K, V>(): Operator<K, V, K, V> {
  return {
    process(record, context) {
      context.forward(record)
    },
    processBatch(batch, context) {
      forwardRows(context, batch, {})
    },
  }
}
