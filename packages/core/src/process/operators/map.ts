import type { OutputRecord, StreamRecord } from '../../batch/stream-record.ts'
import { recordOperator } from './record-operator.ts'

/** One record for each record. */
export function map<K, V, KOut, VOut>(mapper: (record: StreamRecord<K, V>) => OutputRecord<KOut, VOut>) {
  return recordOperator<K, V, KOut, VOut>((record, emit) => emit(mapper(record)))
}

/** Another value for each record; key, timestamp and headers stay. */
export function mapValues<K, V, VOut>(mapper: (value: V, record: StreamRecord<K, V>) => VOut) {
  return recordOperator<K, V, K, VOut>((record, emit) => emit({ ...record, value: mapper(record.value, record) }))
}

/** Another key for each record; value, timestamp and headers stay. */
export function selectKey<K, V, KOut>(selector: (record: StreamRecord<K, V>) => KOut) {
  return recordOperator<K, V, KOut, V>((record, emit) => emit({ ...record, key: selector(record) }))
}
