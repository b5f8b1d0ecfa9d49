import { randomBytes } from 'node:crypto'
import { Client } from 'pg'

/** A client of the tests' own. */
export class Database implements AsyncDisposable {
  readonly #client: Client

  private constructor(client: Client) {
    this.#client = client
  }

  static async connect(url: string): Promise<Database> {
    const client = new Client({ connectionString: url })
    client.on('error', () => undefined)
    await client.connect()
    return new Database(client)
  }

  /** Creates a table of its own with these columns; returns its name. */
  async table(columns: string): Promise<string> {
    const name = `t_${randomBytes(6).toString('hex')}`
    await this.run(`create table ${name} (${columns})`)
    return name
  }

  async run(text: string): Promise<Record<string, unknown>[]> {
    return (await this.#client.query<Record<string, unknown>>(text)).rows
  }

  /** The ids of a table, sorted, each as often as it is there. */
  async ids(table: string): Promise<unknown[]> {
    return (await this.run(`select id from ${table} order by id`)).map(({ id }) => id)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end()
  }
}

/** Numbers from 0. */
export function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}
