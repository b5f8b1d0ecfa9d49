import { SerdeError } from '../errors/serde-error.ts'
import { describeValue } from '../internal/describe-value.ts'
import { decodeUtf8, encodeUtf8 } from '../internal/utf8.ts'
import type { Serde } from './serde.ts'

/**
 * JSON text in UTF-8. Nothing checks that what is read has type `T`. `null` is written as the text `null`; for Kafka's null wrap it:
 * `serdes.nullable(serdes.json<Order>())`. What JSON has no word for is refused (`undefined`, functions, bigints, circles) or changed by
 * `JSON.stringify` (`NaN` becomes null, dates become text).
 */
export function jsonSerde<T>(): Serde<T> {
  return Object.freeze({
    name: 'json',
    serialize(value: T): Uint8Array {
      let text: string | undefined
      try {
        text = JSON.stringify(value)
      } catch (cause) {
        throw new SerdeError('json', 'serialize', `${describeValue(value)} can't be written as JSON: ${messageOf(cause)}`, { cause })
      }
      if (text === undefined) throw new SerdeError('json', 'serialize', `${describeValue(value)} can't be written as JSON.`)
      return encodeUtf8(text)
    },
    deserialize(bytes: Uint8Array, start: number, end: number): T {
      try {
        return JSON.parse(decodeUtf8(bytes, start, end)) as T
      } catch (cause) {
        throw new SerdeError('json', 'deserialize', `it is no JSON: ${messageOf(cause)}`, { cause })
      }
    },
  })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
