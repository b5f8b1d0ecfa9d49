import type { Delivery, WriteBatch } from '@millrace/core'
import { asMillraceError } from '../internal/errors.ts'
import type { EmbeddedLog } from '../log/embedded-log.ts'
import type { Transaction } from '../log/transaction.ts'
import { refuseOversized } from './refuse-oversized.ts'
import type { RoutedRows } from './route-rows.ts'

/** Who sends. */
export interface Sending {
  readonly log: EmbeddedLog
  readonly clientId: string
  /** Throws when nothing may be written any more. */
  readonly check: () => void
  readonly transaction: Transaction | undefined
}

/** Every record of a batch with the same fate. */
export function allOf(batch: WriteBatch, outcome: 'refused' | 'unknown', thrown: unknown): Delivery[] {
  const error = asMillraceError(thrown, 'WRITE_FAILED', 'sink')
  return Array.from({ length: batch.length }, () => ({ outcome, error }))
}

/** Appends the records of one partition, and says in `deliveries` what became of each. Never rejects. */
export async function sendRows(routed: RoutedRows, deliveries: Delivery[], { log, clientId, check, transaction }: Sending): Promise<void> {
  const { batch, partition, from, to } = routed
  const { topic } = batch
  const settle = (row: number, delivery: Delivery) => {
    deliveries[row] = delivery
  }
  try {
    if (log.faults.active) await log.faults.before({ type: 'deliver', clientId, topic, partition, records: to - from })
    check()
    const { maxRecordBytes } = log.topics.require(topic, 'sink')
    const target = log.topics.requirePartition({ topic, partition }, 'sink')
    const fitting = refuseOversized(routed, maxRecordBytes, (error, row) => settle(row, { outcome: 'refused', error }))
    const first = target.endOffset
    if (fitting.to > fitting.from) target.append(fitting, transaction)
    for (let at = fitting.from; at < fitting.to; at++)
      settle(rowAt(fitting, at), { outcome: 'written', partition, offset: first + at - fitting.from })
  } catch (thrown) {
    const error = asMillraceError(thrown, 'WRITE_FAILED', 'sink')
    const outcome = error.code === 'TIMED_OUT' ? 'unknown' : 'refused'
    for (let at = from; at < to; at++) settle(rowAt(routed, at), { outcome, error })
  }
}

function rowAt({ rows }: Pick<RoutedRows, 'rows'>, at: number): number {
  return rows === undefined ? at : (rows[at] as number)
}
