import { SerdeError } from '../errors/serde-error.ts'
import { decodeUtf8, encodeUtf8 } from '../internal/utf8.ts'
import type { Serde } from './serde.ts'
import { describeValue } from './string-serde.ts'

/** Bytes as they are. Decoded values are copies: they may be kept. */
export const bytesSerde: Serde<Uint8Array> = Object.freeze({
  name: 'bytes',
  total: true,
  serialize(value: Uint8Array): Uint8Array {
    if (!(value instanceof Uint8Array)) throw new SerdeError('bytes', 'serialize', `${describeValue(value)} is no Uint8Array.`)
    return value
  },
  deserialize: (bytes: Uint8Array, start: number, end: number) => Uint8Array.prototype.slice.call(bytes, start, end),
})

/** JSON text. The type is what you say it is: nothing checks it. */
export function jsonSerde<T>(): Serde<T> {
  return {
    name: 'json',
    serialize(value: T): Uint8Array {
      let text: string | undefined
      try {
        text = JSON.stringify(value)
      } catch (error) {
        throw new SerdeError('json', 'serialize', `${describeValue(value)} can't be written as JSON: ${(error as Error).message}`, error)
      }
      if (text === undefined) throw new SerdeError('json', 'serialize', `${describeValue(value)} can't be written as JSON.`)
      return encodeUtf8(text)
    },
    deserialize(bytes: Uint8Array, start: number, end: number): T {
      try {
        return JSON.parse(decodeUtf8(bytes, start, end)) as T
      } catch (error) {
        throw new SerdeError('json', 'deserialize', `it is no JSON: ${(error as Error).message}`, error)
      }
    },
  }
}

/** Kafka's null, and nothing else. */
export const voidSerde: Serde<undefined> = Object.freeze({
  name: 'void',
  immutable: true,
  serialize(value: undefined): null {
    if (value !== undefined && value !== null) throw new SerdeError('void', 'serialize', `${describeValue(value)} is not undefined.`)
    return null
  },
  deserialize(_bytes: Uint8Array, start: number, end: number): undefined {
    throw new SerdeError('void', 'deserialize', `there are ${end - start} bytes; it takes null only.`)
  },
  deserializeNull: () => undefined,
})

/** `serde`, with Kafka's null for `null`. */
export function nullable<T>(serde: Serde<T>): Serde<T | null> {
  return {
    name: `nullable(${serde.name})`,
    total: serde.total,
    immutable: serde.immutable,
    identity: serde.identity,
    serialize: (value: T | null) => (value === null ? null : serde.serialize(value)),
    deserialize: serde.deserialize,
    deserializeNull: () => null,
  }
}
