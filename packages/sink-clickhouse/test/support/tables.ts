import { type ClickHouseClient, createClient } from '@clickhouse/client'
import { randomBytes } from 'node:crypto'

/** A client of the tests' own. */
export class Tables implements AsyncDisposable {
  readonly #client: ClickHouseClient

  constructor(url: string) {
    this.#client = createClient({ url })
  }

  /** Creates a table of its own with these columns; returns its name. */
  async create(columns: string, engine = 'ReplacingMergeTree() ORDER BY id'): Promise<string> {
    const name = `t_${randomBytes(6).toString('hex')}`
    await this.run(`CREATE TABLE ${name} (${columns}) ENGINE = ${engine}`)
    return name
  }

  async run(query: string): Promise<void> {
    await this.#client.command({ query })
  }

  async rows(query: string): Promise<Record<string, unknown>[]> {
    const answer = await this.#client.query({ query, format: 'JSONEachRow' })
    return answer.json<Record<string, unknown>>()
  }

  /** The ids of a table as they are seen with FINAL, sorted. */
  async ids(table: string): Promise<number[]> {
    return (await this.rows(`SELECT id FROM ${table} FINAL ORDER BY id`)).map(({ id }) => Number(id))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close()
  }
}

/** Numbers from 0. */
export function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}
