import { booleanSerde, float64Serde, int32Serde, int64Serde, safeInt64Serde } from './fixed-serdes.ts'
import { bytesSerde, jsonSerde, nullable, voidSerde } from './other-serdes.ts'
import { stringSerde } from './string-serde.ts'

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
