/** By how much more may be in an insert after one that went well. */
const GROWTH = 1.25
/** No batch has more rows. */
const MOST_ROWS = 1_000_000

/** How many rows of a table go into one insert: fewer after one that was too much at once, and more again with each that goes well. */
export class InsertSizes {
  readonly #most = new Map<string, number>()

  /** At most; `Infinity`: nothing was too much lately. */
  of(table: string): number {
    return Math.floor(this.#most.get(table) ?? Infinity)
  }

  /** So many rows were too much. Several that were under way together count once. */
  tooMany(table: string, rows: number): void {
    this.#most.set(table, Math.max(1, Math.min(this.of(table), Math.floor(rows / 2))))
  }

  wentWell(table: string): void {
    const most = this.#most.get(table)
    if (most === undefined) return
    if (most * GROWTH > MOST_ROWS) this.#most.delete(table)
    else this.#most.set(table, most * GROWTH)
  }
}
