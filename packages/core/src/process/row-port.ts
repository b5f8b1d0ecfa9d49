import { pickValues } from '../batch/lazy-column.ts'
import type { RecordBatch } from '../batch/record-batch.ts'
import { headersOf } from './operators/headers-of.ts'
import type { OutputPort } from './processor-context.ts'

/** What stays of a batch. */
export interface KeptRows<V> {
  /** Of the input batch, ascending. Default: all. */
  readonly rows?: Int32Array | undefined
  /** One for each of `rows`, which are the port's from now on. Default: their own. */
  readonly values?: readonly V[] | undefined
}

/** A way out that takes records of the input as they are, whose keys (and values) nobody has to decode. */
export interface RowPort {
  /** Hands rows of the input batch, with their headers, to every node connected to this output. */
  readonly forwardRows: (kept: KeptRows<unknown>) => void
}

/** Forwards records of `batch`, the input, as they are: by a {@link RowPort}, where the port is one, without decoding what nobody looks at. */
export function forwardRows<K, V, VOut>(port: OutputPort<K, VOut>, batch: RecordBatch<K, V>, { rows, values }: KeptRows<VOut>): void {
  if (rows?.length === 0) return
  if ('forwardRows' in port) {
    ;(port as RowPort).forwardRows({ rows, values })
    return
  }
  const own = batch.values as readonly unknown[] as readonly VOut[]
  const headers = headersOf(batch)
  if (rows === undefined) port.forwardBatch({ keys: batch.keys, values: values ?? own, headers })
  else {
    port.forwardBatch({
      keys: pickValues(batch.keys, rows),
      values: values ?? pickValues(own, rows),
      headers: headers && pickValues(headers, rows),
      sources: rows,
    })
  }
}
