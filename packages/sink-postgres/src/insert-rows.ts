import { type ComingInsert, type InsertAnswer, type Row, RowError } from '@millrace/bulk-sink'
import { type Column, columnText } from './column.ts'
import { quotedIdentifier, quotedName } from './columns-of.ts'
import type { Queryable } from './queryable.ts'

/** Rows that give the same columns: one statement. */
interface RowGroup {
  readonly names: readonly string[]
  readonly rows: Row[]
  /** Where they stand among all; undefined: they are all. */
  indexes: number[] | undefined
}

/** What is sent for rows that give the same columns. */
export interface Statement {
  readonly text: string
  /** The text of an array for each column. */
  readonly values: string[]
  /** Of the values. */
  readonly bytes: number
}

/**
 * One statement for each group of rows that give the same columns: `unnest` of an array for each column, in one round trip. Throws a {@link RowError} for a row that can't be
 * converted: before the first is sent.
 */
export function statementsOf(insert: ComingInsert, columns: ReadonlyMap<string, Column>): Statement[] {
  return groupsOf(insert).map((group) => statementOf(group, columns, insert))
}

/** Several are to be in one transaction. */
export async function insertRows(client: Queryable, statements: readonly Statement[]): Promise<InsertAnswer> {
  let sent = 0
  for (const { text, values, bytes } of statements) {
    sent += bytes
    await client.query({ text, values })
  }
  return { bytes: sent }
}

type Gathered = RowGroup & { indexes: number[] }

/**
 * Mostly all rows give the same columns in the same order: one group. Otherwise those that do, but never so that a row comes before an earlier one of the
 * same id: which of them is kept, or is the last to be written, depends on their order. Of a statement of the user's own no two rows have one id, since
 * PostgreSQL refuses to update a row twice in a statement; where the id is not known, its rows keep their order.
 */
function groupsOf({ rows, statement, id }: ComingInsert): RowGroup[] {
  const own = statement !== undefined
  const same = rows.length === 0 ? [] : namesOf(rows[0] as Row)
  const isOne = rows.every((row) => hasColumns(row, same))
  if (isOne && !(own && id.length > 0 && hasRepeats(rows, id))) return [{ names: same, rows: [...rows], indexes: undefined }]
  const all: Gathered[] = []
  let open = new Map<string, Gathered>()
  /** In which of the open groups each id is. */
  let groupOf = new Map<string, Gathered>()
  let last: Gathered | undefined
  const begin = () => {
    open = new Map()
    groupOf = new Map()
    last = undefined
  }
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index] as Row
    const key = id.length === 0 ? undefined : idOf(row, id)
    const earlier = key === undefined ? undefined : groupOf.get(key)
    if (earlier !== undefined && (own || !hasColumns(row, earlier.names))) begin()
    if (own && id.length === 0 && last !== undefined && !hasColumns(row, last.names)) begin()
    if (last === undefined || !hasColumns(row, last.names)) {
      const names = namesOf(row)
      const columns = JSON.stringify([...names].sort())
      last = open.get(columns)
      if (last === undefined) {
        last = { names, rows: [], indexes: [] }
        open.set(columns, last)
        all.push(last)
      }
    }
    last.rows.push(row)
    last.indexes.push(index)
    if (key !== undefined) groupOf.set(key, last)
  }
  return all
}

function hasRepeats(rows: readonly Row[], id: readonly string[]): boolean {
  const seen = new Set<string>()
  for (const row of rows) {
    const key = idOf(row, id)
    if (key === undefined) continue
    if (seen.has(key)) return true
    seen.add(key)
  }
  return false
}

/** The same text for the same id; undefined where a part of it is null, which is equal to no other. */
function idOf(row: Row, id: readonly string[]): string | undefined {
  let key = ''
  for (const name of id) {
    const value = row[name]
    if (value === null || value === undefined) return undefined
    const text = textOfId(value)
    key += `${text.length} ${text}`
  }
  return key
}

function textOfId(value: unknown): string {
  if (value instanceof Date) return String(value.getTime())
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') return String(value)
  return JSON.stringify(value)
}

function namesOf(row: Row): string[] {
  return Object.keys(row).filter((name) => row[name] !== undefined)
}

function hasColumns(row: Row, names: readonly string[]): boolean {
  let at = 0
  for (const name in row) {
    if (row[name] === undefined) continue
    if (names[at++] !== name) return false
  }
  return at === names.length
}

function statementOf({ names, rows, indexes }: RowGroup, columns: ReadonlyMap<string, Column>, insert: ComingInsert): Statement {
  const { table, statement, id } = insert
  const first = indexes?.[0] ?? 0
  const known = names.map((name) => {
    const column = columns.get(name)
    if (column !== undefined) return column
    throw new RowError({ index: first, table, column: name }, `the table has no such column; it has ${[...columns.keys()].join(', ')}`)
  })
  let values: string[]
  try {
    values = known.map((column) => columnText(table, column, rows))
  } catch (error) {
    // Its index is that among the rows of the group.
    if (!(error instanceof RowError) || indexes === undefined) throw error
    throw new RowError(
      { index: indexes[error.index] as number, table, column: error.column },
      error.message.slice(error.message.indexOf(': ') + 2),
    )
  }
  if (known.length === 0) throw new RowError({ index: first, table, column: '*' }, 'the row gives no column')
  let bytes = 0
  for (const value of values) bytes += Buffer.byteLength(value)
  return { text: textOf(known, { table, statement, id }), values, bytes }
}

function textOf(columns: readonly Column[], { table, statement, id }: Pick<ComingInsert, 'table' | 'statement' | 'id'>): string {
  const names = columns.map(({ name }) => quotedIdentifier(name))
  // Arrays of arrays would be taken apart to the last element: these go as text.
  const arrays = columns.map(({ type, category }, i) => `$${i + 1}::${category === 'A' ? 'text' : type}[]`)
  const selected = columns.map(({ type, category }, i) => (category === 'A' ? `${names[i]}::${type}` : names[i]))
  const rows = `select ${selected.join(', ')} from unnest(${arrays.join(', ')}) as rows(${names.join(', ')})`
  // Not by text: `$` of a name would be read as a pattern.
  if (statement !== undefined) return statement.replaceAll(/:columns|:rows/g, (place) => (place === ':rows' ? rows : names.join(', ')))
  const conflict = id.length === 0 ? '' : ` (${id.map(quotedIdentifier).join(', ')})`
  return `insert into ${quotedName(table)} (${names.join(', ')}) ${rows} on conflict${conflict} do nothing`
}
