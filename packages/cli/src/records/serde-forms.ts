import type { Serde } from '@millrace/core'
import { UsageError } from '../command-line/errors.ts'
import { failureLine } from '../command-line/failure-line.ts'

/** The value of a serde's type that a person has written, with the bytes it makes. */
export interface WrittenValue {
  readonly value: unknown
  readonly bytes: Uint8Array | null
}

/**
 * The first form of a value that the serde takes: serdes tell their names, and not what they are of. Text may stand for a number, an object, a whole number
 * of any size, or bytes. Throws a {@link UsageError} if it takes none.
 */
export function writtenValue(serde: Serde<unknown>, written: unknown): WrittenValue {
  let refusal: unknown
  for (const value of formsOf(written, /^(nullable\()?string\b/.test(serde.name))) {
    try {
      return { value, bytes: serde.serialize(value) }
    } catch (error) {
      refusal ??= error
    }
  }
  throw new UsageError(`${JSON.stringify(written)} can't be written with ${serde.name}: ${failureLine(refusal)}`)
}

function formsOf(value: unknown, isText: boolean): unknown[] {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return [value, BigInt(value), String(value)]
  if (typeof value !== 'string') return value === null ? [null] : [value, JSON.stringify(value)]
  const parsed = isText ? undefined : parsedJson(value)
  return [
    ...(parsed === undefined ? [] : [parsed]),
    ...(/^-?\d+$/.test(value) && !isText ? [BigInt(value)] : []),
    value,
    new TextEncoder().encode(value),
  ]
}

/** What a text of JSON says; undefined for other text. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
