import { BatchRecordError, type RecordBatch } from '@millrace/core'
import { checkPriority } from '../check-priority.ts'
import { checkRow } from '../check-row.ts'
import { estimateBytes } from '../driver/estimate-bytes.ts'
import type { TableRow } from '../driver/row.ts'
import type { BulkRowsOptions } from './row-options.ts'

/** A row of a record, with what it takes. */
export interface StagedRow extends TableRow {
  readonly bytes: number
}

const NO_ROWS: readonly StagedRow[] = Object.freeze([])

/** The rows of each record of a batch. Throws a `BatchRecordError` for a record that gives none of the kind. */
export function stageRows<K, V>(
  batch: RecordBatch<K, V>,
  rows: BulkRowsOptions<K, V>['rows'],
  checkTable: (name: string) => unknown,
): (readonly StagedRow[])[] {
  const staged = new Array<readonly StagedRow[]>(batch.length)
  for (let i = 0; i < batch.length; i++) {
    try {
      const given = rows(batch.record(i))
      const list = given === undefined ? NO_ROWS : Array.isArray(given) ? (given as readonly TableRow[]) : [given as TableRow]
      staged[i] = list.map((one) => {
        checkTable(one.table)
        checkPriority(one.priority)
        checkRow(one.table, one.row)
        return { table: one.table, row: one.row, priority: one.priority, bytes: estimateBytes(one.row) }
      })
    } catch (error) {
      throw new BatchRecordError(i, error)
    }
  }
  return staged
}
