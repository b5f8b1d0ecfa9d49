import type { StreamRecord } from '../../batch/stream-record.ts'
import { recordOperator } from './record-operator.ts'

/** The records for which `predicate` returns `keep`. */
export function filter<K, V>(predicate: (record: StreamRecord<K, V>) => boolean, keep = true) {
  return recordOperator<K, V, K, V>((record, emit) => {
    if (predicate(record) === keep) emit(record)
  })
}
