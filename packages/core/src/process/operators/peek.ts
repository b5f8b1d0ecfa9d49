import type { StreamRecord } from '../../batch/stream-record.ts'
import { recordOperator } from './record-operator.ts'

/** Calls `action` with each record and passes it on. */
export function peek<K, V>(action: (record: StreamRecord<K, V>) => void) {
  return recordOperator<K, V, K, V>((record, emit) => {
    action(record)
    emit(record)
  })
}

/** Passes every record on: where several streams become one. */
export function passThrough<K, V>() {
  return recordOperator<K, V, K, V>((record, emit) => emit(record))
}
