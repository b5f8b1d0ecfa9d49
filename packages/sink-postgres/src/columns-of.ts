import type { Column } from './column.ts'
import type { Queryable } from './queryable.ts'

// Types without their lengths: values are cast to them, and a cast cuts what is too long, where the insert refuses it.
const COLUMNS = `
  select a.attname as name, format_type(a.atttypid, -1) as type, t.typcategory as category
  from pg_attribute a join pg_type t on t.oid = a.atttypid
  where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''`

/** The columns of a table that can be written, by name; rejects as the server does if there is no such table. */
export async function columnsOf(table: string, client: Queryable): Promise<ReadonlyMap<string, Column>> {
  const { rows } = await client.query({ text: COLUMNS, values: [quotedName(table)] })
  return new Map((rows as Column[]).map((column) => [column.name, column]))
}

/** `schema.table` or `table`, each part quoted. */
export function quotedName(table: string): string {
  return table.split('.').map(quotedIdentifier).join('.')
}

export function quotedIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
