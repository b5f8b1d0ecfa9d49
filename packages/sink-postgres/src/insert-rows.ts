import { type InsertAnswer, type InsertRequest, type Row, RowError } from '@millrace/bulk-sink'
import { type Column, columnText } from './column.ts'
import { quotedIdentifier, quotedName } from './columns-of.ts'
import type { Queryable } from './queryable.ts'

/** Rows that give the same columns: one statement. */
export interface RowGroup {
  readonly names: readonly string[]
  readonly rows: Row[]
  /** Where they stand among all; undefined: they are all. */
  indexes: number[] | undefined
}

/** One statement for each set of columns: `unnest` of an array for each column, in one round trip. Several are to be in one transaction. */
export async function insertRows(
  client: Queryable,
  groups: readonly RowGroup[],
  { columns, request }: { readonly columns: ReadonlyMap<string, Column>; readonly request: InsertRequest },
): Promise<InsertAnswer> {
  let bytes = 0
  // All of them before the first is sent: a row that can't be converted is known at once.
  const statements = groups.map((group) => statementOf(group, columns, request))
  for (const { text, values } of statements) {
    for (const value of values) bytes += Buffer.byteLength(value)
    await client.query({ text, values })
  }
  return { bytes }
}

/** Mostly all rows give the same columns in the same order. */
export function groupsOf(rows: readonly Row[]): RowGroup[] {
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

function statementOf(
  { names, rows, indexes }: RowGroup,
  columns: ReadonlyMap<string, Column>,
  request: InsertRequest,
): { text: string; values: string[] } {
  const { table, statement, id } = request
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
  return { text: textOf(known, { table, statement, id }), values }
}

function textOf(columns: readonly Column[], { table, statement, id }: Pick<InsertRequest, 'table' | 'statement' | 'id'>): string {
  const names = columns.map(({ name }) => quotedIdentifier(name))
  // Arrays of arrays would be taken apart to the last element: these go as text.
  const arrays = columns.map(({ type, category }, i) => `$${i + 1}::${category === 'A' ? 'text' : type}[]`)
  const selected = columns.map(({ type, category }, i) => (category === 'A' ? `${names[i]}::${type}` : names[i]))
  const rows = `select ${selected.join(', ')} from unnest(${arrays.join(', ')}) as rows(${names.join(', ')})`
  if (statement !== undefined) return statement.replaceAll(':columns', names.join(', ')).replaceAll(':rows', rows)
  const conflict = id.length === 0 ? '' : ` (${id.map(quotedIdentifier).join(', ')})`
  return `insert into ${quotedName(table)} (${names.join(', ')}) ${rows} on conflict${conflict} do nothing`
}
