import { MillraceError } from '@millrace/core'
import { rowByteLength } from '../log/fill-segment.ts'
import type { RoutedRows } from './route-rows.ts'

/** The rows without those larger than the topic takes, each of which is refused on its own. */
export function refuseOversized(
  routed: RoutedRows,
  maxRecordBytes: number,
  refuse: (error: MillraceError, row: number) => void,
): RoutedRows {
  if (maxRecordBytes === Infinity) return routed
  const { batch, rows, from, to, partition } = routed
  const { topic } = batch
  const fitting: number[] = []
  for (let at = from; at < to; at++) {
    const i = rows === undefined ? at : (rows[at] as number)
    const byteLength = rowByteLength(batch, i)
    if (byteLength <= maxRecordBytes) {
      fitting.push(i)
      continue
    }
    const message = `A record of ${byteLength} bytes is too large for topic '${topic}' (max.message.bytes is ${maxRecordBytes}).`
    refuse(new MillraceError('RECORD_TOO_LARGE', message, { stage: 'sink', topic, partition }), i)
  }
  return { batch, partition, rows: Int32Array.from(fitting), from: 0, to: fitting.length }
}
