import { booleanSerde } from './boolean-serde.ts'
import { bytesSerde } from './bytes-serde.ts'
import { float64Serde } from './float64-serde.ts'
import { int32Serde } from './int32-serde.ts'
import { int64Serde } from './int64-serde.ts'
import { jsonSerde } from './json-serde.ts'
import { nullable } from './nullable-serde.ts'
import { safeInt64Serde } from './safe-int64-serde.ts'
import { stringSerde } from './string-serde.ts'
import { voidSerde } from './void-serde.ts'

/** The serdes that come with Millrace; numbers are big-endian, as Kafka's Java serializers write them. */
export const serdes = Object.freeze({
  /** UTF-8 text. Refuses null and half surrogate pairs; malformed bytes are read as U+FFFD. */
  string: stringSerde,
  /** Bytes as they are; those that were read are copies. */
  bytes: bytesSerde,
  /** One byte, 0 or 1. */
  boolean: booleanSerde,
  /** A whole number of 32 bits. */
  int32: int32Serde,
  /** A bigint of 64 bits. */
  int64: int64Serde,
  /** A number in 64 bits, Java's `Long`. What a number can't hold exactly is refused, both ways. */
  safeInt64: safeInt64Serde,
  /** A floating-point number of 64 bits. */
  float64: float64Serde,
  /** JSON text: `serdes.json<Order>()`. Nothing checks that what is read has that type. */
  json: jsonSerde,
  /** Nothing: Kafka's null for `undefined`, and no other value. */
  void: voidSerde,
  nullable,
})
