import type { ComingInsert, Row } from '@millrace/bulk-sink'
import type { Column } from './column.ts'
import { type Statement, statementsOf } from './insert-rows.ts'

interface Prepared {
  readonly coming: ComingInsert
  readonly columns: ReadonlyMap<string, Column>
  readonly statements: readonly Statement[]
}

/** Statements that were made before the turn of their rows, kept for as long as these wait. */
export class PreparedStatements {
  /** By the first row. */
  readonly #prepared = new WeakMap<Row, Prepared>()

  /** Nothing is kept of rows that can't be converted: their insert says so. */
  prepare(coming: ComingInsert, columns: ReadonlyMap<string, Column>): void {
    const [first] = coming.rows
    if (first === undefined) return
    try {
      this.#prepared.set(first, { coming, columns, statements: statementsOf(coming, columns) })
    } catch {
      this.#prepared.delete(first)
    }
  }

  /** Those of exactly these rows, as they were made or made now. Throws as {@link statementsOf}. */
  of(insert: ComingInsert, columns: ReadonlyMap<string, Column>): readonly Statement[] {
    const [first] = insert.rows
    const found = first && this.#prepared.get(first)
    if (first === undefined || found === undefined) return statementsOf(insert, columns)
    this.#prepared.delete(first)
    return found.columns === columns && isSame(found.coming, insert) ? found.statements : statementsOf(insert, columns)
  }
}

function isSame(one: ComingInsert, other: ComingInsert): boolean {
  if (one.table !== other.table || one.statement !== other.statement || one.id !== other.id) return false
  return one.rows.length === other.rows.length && one.rows.every((row, i) => row === other.rows[i])
}
