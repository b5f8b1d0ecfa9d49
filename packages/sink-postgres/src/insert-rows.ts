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
 * One statement for each set of columns: `unnest` of an array for each column, in one round trip. Throws a {@link RowError} for a row that can't be
 * converted: before the first is sent.
 */
export function statementsOf(insert: ComingInsert, columns: ReadonlyMap<string, Column>): Statement[] {
  return groupsOf(insert.rows).map((group) => statementOf(group, columns, insert))
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

/** Mostly all rows give the same columns in the same order. */
function groupsOf(rows: readonly Row[]): RowGroup[] {
  const same = rows.length === 0 ? [] : namesOf(rows[0] as Row)
  if (rows.every((row) => hasColumns(row, same))) return [{ names: same, rows: [...rows], indexes: undefined }]
  const groups = new Map<string, RowGroup & { indexes: number[] }>()
  let last: (RowGroup & { indexes: number[] }) | undefined
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index] as Row
    if (last === undefined || !hasColumns(row, last.names)) {
      const names = namesOf(row)
      const key = JSON.stringify([...names].sort())
      last = groups.get(key)
      if (last === undefined) groups.set(key, (last = { names, rows: [], indexes: [] }))
    }
    last.rows.push(row)
    last.indexes.push(index)
  }
  return [...groups.values()]
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
  if (statement !== undefined) return statement.replaceAll(':columns', names.join(', ')).replaceAll(':rows', rows)
  const conflict = id.length === 0 ? '' : ` (${id.map(quotedIdentifier).join(', ')})`
  return `insert into ${quotedName(table)} (${names.join(', ')}) ${rows} on conflict${conflict} do nothing`
}
