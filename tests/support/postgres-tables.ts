import { randomBytes } from 'node:crypto'
import { Client } from 'pg'

/** Tables of a test's own, in PostgreSQL. */
export interface PostgresTables extends AsyncDisposable {
  /** Creates a table with these columns; resolves to its name. */
  create(columns: string): Promise<string>
  rows(text: string): Promise<Record<string, unknown>[]>
  /** The ids of a table, sorted, each as often as it is there. */
  ids(table: string): Promise<unknown[]>
}

export async function openTables(url: string): Promise<PostgresTables> {
  const client = new Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  const rows = async (text: string) => (await client.query<Record<string, unknown>>(text)).rows
  return {
    rows,
    async create(columns) {
      const name = `t_${randomBytes(6).toString('hex')}`
      await rows(`create table ${name} (${columns})`)
      return name
    },
    ids: async (table) => (await rows(`select id from ${table} order by id`)).map(({ id }) => id),
    [Symbol.asyncDispose]: () => client.end(),
  }
}
