import { describeValue } from '@millrace/core'

/** Throws for what is no row: a driver could make nothing of it, and would be asked for ever. */
export function checkRow(table: string, row: unknown): void {
  if (typeof row !== 'object' || row === null)
    throw new TypeError(`A row for table '${table}' is ${describeValue(row)}; use an object with a value for each column.`)
}
