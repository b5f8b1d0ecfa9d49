import { RowError } from '@millrace/bulk-sink'
import { dateText } from './date-text.ts'

/** A column of a table. */
export interface Column {
  readonly name: string
  /** As the server writes it: `bigint`, `numeric(10,2)`, `text[]`. */
  readonly type: string
  /** Of the type, as the server groups them: 'A' are arrays. */
  readonly category: string
}

/** One column of some rows as the text of an array. Throws a {@link RowError} for a value that can't be one of the column. */
export function columnText(table: string, column: Column, rows: readonly Readonly<Record<string, unknown>>[]): string {
  const { name } = column
  const write = writerOf(column)
  let text = '{'
  for (let index = 0; index < rows.length; index++) {
    const value = (rows[index] as Readonly<Record<string, unknown>>)[name]
    if (index > 0) text += ','
    if (value === null || value === undefined) text += 'NULL'
    else if (typeof value === 'string' && write === quoted) text += quoted(value)
    else {
      try {
        text += write(value)
      } catch (error) {
        throw new RowError({ index, table, column: name }, `${(error as Error).message} (its type is ${column.type})`)
      }
    }
  }
  return `${text}}`
}

type Write = (value: unknown) => string

function writerOf({ type, category }: Column): Write {
  if (category === 'A') return (value) => quote(arrayText(value))
  if (type === 'json' || type === 'jsonb') return (value) => quote(jsonText(value))
  if (type === 'bytea') return (value) => quote(bytesText(value))
  return quoted
}

/** A value of a type that is none of those with a text of their own. */
function quoted(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return quote(value)
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value)
    default:
      return quote(objectText(value))
  }
}

function objectText(value: unknown): string {
  if (value instanceof Date) return dateText(value)
  if (value instanceof Uint8Array) return bytesText(value)
  return jsonText(value)
}

function bytesText(value: unknown): string {
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`
  if (typeof value === 'string') return value
  throw new Error(`${typeof value} is no bytes; use a Buffer, or text as the server reads it`)
}

function jsonText(value: unknown): string {
  const text = JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === 'number' && !Number.isFinite(part)) throw new Error(`${part} can't be written as JSON`)
    return typeof part === 'bigint' ? jsonNumber(part) : part
  })
  if (text === undefined) throw new Error(`${typeof value} can't be written as JSON`)
  return text
}

/** Text where a number would lose digits. */
function jsonNumber(value: bigint): number | string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : String(value)
}

/** An array of the database; within it others of the same length. */
function arrayText(value: unknown): string {
  if (typeof value === 'string') return value
  if (!Array.isArray(value)) throw new Error(`${typeof value} is no array`)
  const parts = value.map((part: unknown) => {
    if (part === null || part === undefined) return 'NULL'
    return Array.isArray(part) ? arrayText(part) : quoted(part)
  })
  return `{${parts.join(',')}}`
}

function quote(text: string): string {
  if (!text.includes('"') && !text.includes('\\')) return `"${text}"`
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}
