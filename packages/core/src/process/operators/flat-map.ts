import type { OutputRecord, StreamRecord } from '../../batch/stream-record.ts'
import { recordOperator } from './record-operator.ts'

/** Any number of records for each record. */
export function flatMap<K, V, KOut, VOut>(mapper: (record: StreamRecord<K, V>) => Iterable<OutputRecord<KOut, VOut>>) {
  return recordOperator<K, V, KOut, VOut>((record, emit) => {
    for (const output of mapper(record)) emit(output)
  })
}

/** Any number of values for each record; key, timestamp and headers stay. */
export function flatMapValues<K, V, VOut>(mapper: (value: V, record: StreamRecord<K, V>) => Iterable<VOut>) {
  return recordOperator<K, V, K, VOut>((record, emit) => {
    for (const value of mapper(record.value, record)) emit({ ...record, value })
  })
}
