import {
  type AnyStoreDefinition,
  bytesAt,
  type Serde,
  type TimestampedKeyValueStoreDefinition,
  type ValueAndTimestamp,
  viewColumn,
} from '@millrace/core'
import type { RowFormat } from './row-format.ts'
import { checkTime, readTime, TIME_BYTES, writeTime } from './time-bytes.ts'

/**
 * Rows: the key; the timestamp (8 bytes) and the value. The changelog has the value alone, and the timestamp as that of its record. Both as Kafka
 * Streams' `TimestampedKeyValueStore`.
 */
export function timestampedFormat(definition: AnyStoreDefinition): RowFormat {
  const { key, value } = definition as TimestampedKeyValueStoreDefinition<unknown, unknown>
  return {
    layout: 'timestamped',
    key,
    value: timestampedSerde(value),
    toRecords({ length, keys, values, timestamps }) {
      const plain: (Uint8Array | null)[] = []
      const times: number[] = []
      for (let i = 0; i < length; i++) {
        const row = bytesAt(values, i)
        plain.push(row === null ? null : row.subarray(TIME_BYTES))
        times.push(row === null ? (timestamps[i] as number) : readTime(row, 0))
      }
      return { length, keys, values: viewColumn(plain), timestamps: times }
    },
    toChange: (rowKey, plain, timestamp) => ({
      key: rowKey,
      value: plain === undefined ? undefined : timed(plain, Math.max(0, timestamp)),
    }),
  }
}

function timestampedSerde(value: Serde<unknown>): Serde<unknown> {
  return {
    name: `timestamped ${value.name}`,
    serialize(given) {
      if (typeof given !== 'object' || given === null || !('value' in given && 'timestamp' in given))
        throw new TypeError('it is no { value, timestamp }.')
      const { value: inner, timestamp } = given as ValueAndTimestamp<unknown>
      checkTime('its timestamp', timestamp)
      if (inner === undefined || inner === null) throw new TypeError(`its value is ${String(inner)}; use delete() to remove an entry.`)
      const bytes = value.serialize(inner)
      if (bytes === null) throw new TypeError('its value was serialised to null, which means "no entry"; use delete().')
      return timed(bytes, timestamp)
    },
    deserialize: (bytes, start, end) => ({ value: value.deserialize(bytes, start + TIME_BYTES, end), timestamp: readTime(bytes, start) }),
  }
}

function timed(plain: Uint8Array, timestamp: number): Uint8Array {
  const row = new Uint8Array(TIME_BYTES + plain.byteLength)
  writeTime(row, 0, timestamp)
  row.set(plain, TIME_BYTES)
  return row
}
