import type { StreamRecord } from '../../batch/stream-record.ts'
import { BatchRecordError } from '../batch-record-error.ts'
import { forwardRows } from '../row-port.ts'
import type { Operator } from './operator.ts'

type Mapper<K, V, VOut> = (value: V, record: StreamRecord<K, V>) => VOut

/** Another value for each record; key, timestamp and headers stay. A mapper with one parameter (by its `length`) is given no record. */
export function mapValues<K, V, VOut>(mapper: Mapper<K, V, VOut>): Operator<K, V, K, VOut> {
  const takesRecord = mapper.length !== 1
  return {
    process(record, context) {
      const { key, value, timestamp, headers } = record
      context.forward({ key, value: takesRecord ? mapper(value, record) : of(mapper, value), timestamp, headers })
    },
    processBatch(batch, context) {
      const mapped = new Array<VOut>(batch.length)
      const { values } = batch
      let i = 0
      try {
        if (takesRecord) for (; i < mapped.length; i++) mapped[i] = mapper(values[i] as V, batch.record(i))
        else for (; i < mapped.length; i++) mapped[i] = of(mapper, values[i] as V)
      } catch (error) {
        throw new BatchRecordError(i, error)
      }
      forwardRows(context, batch, { values: mapped })
    },
  }
}

function of<V, VOut>(mapper: Mapper<never, V, VOut>, value: V): VOut {
  return (mapper as (value: V) => VOut)(value)
}
