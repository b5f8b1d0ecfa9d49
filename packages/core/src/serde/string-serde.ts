import { SerdeError } from '../errors/serde-error.ts'
import { decodeUtf8, encodeUtf8 } from '../internal/utf8.ts'
import type { Serde } from './serde.ts'

// A half of a surrogate pair: UTF-8 has no bytes for it, so that two different strings would get the same ones.
const LONE_SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/

/** UTF-8 text. Refuses null and strings that are not well-formed; malformed bytes become U+FFFD. */
export const stringSerde: Serde<string> = Object.freeze({
  name: 'string',
  total: true,
  immutable: true,
  identity: true,
  serialize(value: string): Uint8Array {
    if (typeof value !== 'string') throw new SerdeError('string', 'serialize', `${describeValue(value)} is no string.`)
    if (!isWellFormed(value)) throw new SerdeError('string', 'serialize', `${JSON.stringify(value)} has half a surrogate pair and can't be written as UTF-8.`)
    return encodeUtf8(value)
  },
  deserialize: decodeUtf8,
})

const isWellFormed: (text: string) => boolean =
  'isWellFormed' in String.prototype
    ? (text) => (text as string & { isWellFormed(): boolean }).isWellFormed()
    : (text) => !LONE_SURROGATE.test(text)

/** What a value is, for a message. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'object') return Array.isArray(value) ? 'an array' : 'an object'
  return `${typeof value} ${String(value)}`
}
