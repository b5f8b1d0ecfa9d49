import type { Row } from './row.ts'

/** What a number, a date or null is taken for. */
const SCALAR_BYTES = 8
/** A name in quotes, a colon and a comma. */
const NAME_BYTES = 4

/** About how many bytes a row has as text. */
export function estimateBytes(row: Row): number {
  let bytes = 2
  for (const name in row) bytes += name.length + NAME_BYTES + bytesOf(row[name])
  return bytes
}

function bytesOf(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return SCALAR_BYTES
  if (value instanceof Date) return SCALAR_BYTES
  if (value instanceof Uint8Array) return 2 * value.length
  let bytes = 2
  for (const part of Array.isArray(value) ? (value as unknown[]) : Object.values(value)) bytes += NAME_BYTES + bytesOf(part)
  return bytes
}
