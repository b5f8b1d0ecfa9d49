/** What is known of the columns of a table, by name. */
export type Columns<Column> = ReadonlyMap<string, Column>

/** What is done with columns that are known, and what they are asked by. */
export interface ColumnsUse<Column, T> {
  readonly table: string
  /** Asks the server for them; rejects as it does. */
  readonly ask: () => Promise<Columns<Column>>
  /** Called with them, and once more with others if these were not true any more. */
  readonly work: (columns: Columns<Column>) => Promise<T>
  /** Whether a failure may come of columns that are not what they were; what it has left behind is cleared away. */
  readonly isSuspect: (error: unknown) => boolean | Promise<boolean>
}

/** The columns of tables: asked once, and again before rows are blamed that may suit what the table has become. */
export class TableColumns<Column> {
  readonly #known = new Map<string, Promise<Columns<Column>>>()
  /** Of those, what was answered. */
  readonly #answered = new Map<string, Columns<Column>>()

  /** What is known now; undefined: it was not asked yet, or not answered. */
  now(table: string): Columns<Column> | undefined {
    return this.#answered.get(table)
  }

  /** Works with what is known, and once more if that was not true any more. */
  async use<T>({ table, ask, work, isSuspect }: ColumnsUse<Column, T>): Promise<T> {
    const isKnown = this.#known.has(table)
    const columns = await this.#of(table, ask)
    try {
      return await work(columns)
    } catch (error) {
      if (!isKnown || !(await isSuspect(error))) throw error
      this.#forget(table)
      const now = await this.#of(table, ask).catch(() => undefined)
      if (now === undefined || areSame(columns, now)) throw error
      return work(now)
    }
  }

  #of(table: string, ask: () => Promise<Columns<Column>>): Promise<Columns<Column>> {
    const known = this.#known.get(table)
    if (known !== undefined) return known
    const asked = ask()
    this.#known.set(table, asked)
    asked.then(
      (columns) => this.#answered.set(table, columns),
      () => this.#forget(table),
    )
    return asked
  }

  #forget(table: string): void {
    this.#known.delete(table)
    this.#answered.delete(table)
  }
}

function areSame<Column>(one: Columns<Column>, other: Columns<Column>): boolean {
  return JSON.stringify([...one]) === JSON.stringify([...other])
}
