/** What a topic of input is like. */
export interface InputShape {
  readonly records: number
  /** Different keys, met at random. */
  readonly keys: number
  /** Of each value; at least {@link LEAST_VALUE_BYTES}. */
  readonly valueBytes: number
  readonly partitions: number
}

const NUMBER_DIGITS = 10
const KEY_DIGITS = 8
const KEY_PREFIX = 'key-'
/** A number and a space. */
export const LEAST_VALUE_BYTES = NUMBER_DIGITS + 1
/** Each record is a millisecond later than the one before it, so that its time tells which it is. */
const FIRST_TIME = Date.UTC(2026, 0, 1)
const LETTERS = 'abcdefghijklmnopqrstuvwxyz'

/** Which key record `index` has: always the same one, and as good as random. */
export function keyNumber(index: number, keys: number): number {
  let hash = Math.imul(index + 1, 0x9e3779b1)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) % keys
}

/** The time of record `index` of an input that is written before it is read. */
export function timeOf(index: number): number {
  return FIRST_TIME + index
}

/** Text of 12 characters. */
export function keyText(number: number): string {
  return KEY_PREFIX + String(number).padStart(KEY_DIGITS, '0')
}

/** The number in a key; -1 for what is no key of ours. */
export function numberInKey(key: string): number {
  return key.length === KEY_PREFIX.length + KEY_DIGITS && key.startsWith(KEY_PREFIX) ? Number(key.slice(KEY_PREFIX.length)) : -1
}

/** The value of record `index`: its number, then letters. */
export function valueText(index: number, valueBytes: number): string {
  const start = index % LETTERS.length
  const letters = LETTERS.slice(start) + LETTERS.slice(0, start)
  const number = String(index).padStart(NUMBER_DIGITS, '0')
  return `${number} ${letters.repeat(Math.ceil(valueBytes / LETTERS.length)).slice(0, valueBytes - LEAST_VALUE_BYTES)}`
}

/** Whether the filter of the stateless work keeps the record of this value: every other one. */
export function isKept(value: string): boolean {
  return (value.charCodeAt(NUMBER_DIGITS - 1) & 1) === 0
}

/** How many records there are of each key. */
export function countsOf({ records, keys }: InputShape): Int32Array {
  const counts = new Int32Array(keys)
  for (let index = 0; index < records; index++) counts[keyNumber(index, keys)]!++
  return counts
}
