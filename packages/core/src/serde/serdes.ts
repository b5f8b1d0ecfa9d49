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
  string: stringSerde,
  bytes: bytesSerde,
  boolean: booleanSerde,
  int32: int32Serde,
  int64: int64Serde,
  safeInt64: safeInt64Serde,
  float64: float64Serde,
  json: jsonSerde,
  void: voidSerde,
  nullable,
})
