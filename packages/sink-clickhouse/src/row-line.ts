import { type Row, RowError } from '@millrace/bulk-sink'

/** A column of a table. */
export interface Column {
  /** As the server writes it: `DateTime64(3)`, `Nullable(Int32)`. */
  readonly type: string
  /** Its name as it begins a value in JSON. */
  readonly label: string
}

/** Where a row is to go. */
export interface Place {
  readonly table: string
  /** By name. */
  readonly columns: ReadonlyMap<string, Column>
  /** Takes the names of columns that are given. */
  readonly given: Set<string>
}

/** A row as a line of JSONEachRow. Throws a {@link RowError} for a value that can't be in its column. */
export function rowLine(row: Row, index: number, { table, columns, given }: Place): string {
  let line = ''
  let name = ''
  try {
    for (name in row) {
      const value = row[name]
      if (value === undefined) continue
      const column = columns.get(name)
      if (column === undefined) throw new Error(`the table has no such column; it has ${[...columns.keys()].join(', ')}`)
      line += line === '' ? '{' : ','
      line += column.label + textOf(value, column.type)
      given.add(name)
    }
  } catch (error) {
    const type = columns.get(name)?.type
    throw new RowError({ index, table, column: name }, `${(error as Error).message}${type === undefined ? '' : ` (its type is ${type})`}`)
  }
  return line === '' ? '{}\n' : `${line}}\n`
}

function textOf(value: unknown, type: string): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'boolean':
      // Older servers know no Boolean.
      return type.includes('String') ? `"${value}"` : type.includes('Bool') ? String(value) : value ? '1' : '0'
    case 'bigint':
      // In quotes for every type: decimals would lose digits as numbers.
      return `"${value}"`
    case 'number':
      return numberText(value, type)
    case 'object':
      return value === null ? nullText(type) : objectText(value, type)
    default:
      throw new Error(`${typeof value} can't be written`)
  }
}

function nullText(type: string): string {
  if (type === '' || type.includes('Nullable') || /^(Variant|Dynamic|JSON|LowCardinality\(Nullable)/.test(type)) return 'null'
  throw new Error('null, and the column takes none')
}

function numberText(value: number, type: string): string {
  if (type.includes('String') && !type.startsWith('Map')) return `"${value}"`
  if (Number.isFinite(value)) return type.includes('Decimal') ? decimalText(value, type) : String(value)
  if (!type.includes('Float')) throw new Error(`${value} is no value of the column`)
  return Number.isNaN(value) ? '"nan"' : value > 0 ? '"inf"' : '"-inf"'
}

/** Of a decimal's type, the digits behind the point. */
const SCALE = /Decimal\d*\((?:\d+,\s*)?(\d+)\)/

/** Rounded to what the column has: the server refuses more digits than that, and exponents. */
function decimalText(value: number, type: string): string {
  const scale = Number(SCALE.exec(type)?.[1] ?? 0)
  return value.toFixed(Math.min(100, scale))
}

function objectText(value: object, type: string): string {
  if (value instanceof Date) return dateText(value, type)
  if (value instanceof Uint8Array) return bytesText(value)
  if (type.includes('String') && !/^(Array|Map|Tuple|Nested)/.test(type)) return JSON.stringify(jsonText(value))
  if (Array.isArray(value)) {
    const inner = /^Array\((.*)\)$/s.exec(type)?.[1] ?? ''
    return `[${value.map((part: unknown) => textOf(part ?? null, inner)).join(',')}]`
  }
  return jsonText(value)
}

/** The same moment in whatever time zone the server is: to the second or the millisecond, as the column can. */
function dateText(date: Date, type: string): string {
  const ms = date.getTime()
  if (Number.isNaN(ms)) throw new Error('the date is invalid')
  if (/DateTime64/.test(type)) return `"${(ms / 1_000).toFixed(3)}"`
  if (/DateTime/.test(type)) return `"${Math.floor(ms / 1_000)}"`
  if (/Date/.test(type)) return `"${date.toISOString().slice(0, 10)}"`
  // Numbers take milliseconds since 1970.
  return /Int|Float|Decimal/.test(type) ? `"${ms}"` : `"${date.toISOString()}"`
}

/** Of bytes only those that are text can be in JSON. */
function bytesText(bytes: Uint8Array): string {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  return JSON.stringify(text)
}

function jsonText(value: unknown): string {
  const text = JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === 'number' && !Number.isFinite(part)) throw new Error(`${part} can't be written as JSON`)
    return typeof part === 'bigint' ? String(part) : part
  })
  if (text === undefined) throw new Error(`${typeof value} can't be written as JSON`)
  return text
}
