import { createClient } from '@clickhouse/client'

/** What is inserted twice after a failure is one row when it is read with FINAL. */
const TABLES = {
  pages: 'id String, at DateTime, who String',
  payments: 'id String, at DateTime, who String, amount Float64',
  readings: 'id String, at DateTime, device String, reading Float64',
}

/** Creates the tables that are not there. */
export async function createTables(url: string): Promise<void> {
  const client = createClient({ url })
  try {
    for (const [table, columns] of Object.entries(TABLES))
      await client.command({ query: `CREATE TABLE IF NOT EXISTS ${table} (${columns}) ENGINE = ReplacingMergeTree() ORDER BY id` })
  } finally {
    await client.close()
  }
}

/** Rows of each table, repeats not counted. */
export async function countRows(url: string): Promise<Readonly<Record<string, number>>> {
  const client = createClient({ url })
  try {
    const counts: Record<string, number> = {}
    for (const table of Object.keys(TABLES)) {
      const answer = await client.query({ query: `SELECT count() AS rows FROM ${table} FINAL`, format: 'JSONEachRow' })
      const [row] = await answer.json<{ rows: string }>()
      counts[table] = Number(row?.rows ?? 0)
    }
    return counts
  } finally {
    await client.close()
  }
}
