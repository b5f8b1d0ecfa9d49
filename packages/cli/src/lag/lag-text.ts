import type { Colors } from '../command-line/colours.ts'
import { type Column, counted, grouped, printable, table } from '../command-line/table.ts'
import type { LagReport, LagRow } from './measure-lag.ts'

const COLUMNS: readonly Column[] = [
  { title: 'TOPIC' },
  { title: 'PARTITION', align: 'right' },
  { title: 'COMMITTED', align: 'right' },
  { title: 'END', align: 'right' },
  { title: 'LAG', align: 'right' },
  { title: 'MEMBER' },
]

/** For people. */
export function lagText(report: LagReport, colors: Colors): string {
  const rows = report.partitions.map((row) => [
    row.topic,
    String(row.partition),
    row.committed === null ? '-' : String(row.committed),
    String(row.end),
    lagCell(row, colors),
    printable(row.member ?? '-'),
  ])
  const told = report.partitions.length === 0 ? '' : `${table(COLUMNS, rows, colors)}\n`
  return `${told}${summary(report)}\n`
}

function lagCell({ lag, problem }: LagRow, colors: Colors): string {
  const text = lag === null ? '-' : grouped(lag)
  return problem === null ? text : colors.yellow(`${text} (${problem})`)
}

function summary({ group, state, members, totalLag, withoutOffset, partitions }: LagReport): string {
  const who = state === undefined ? '' : ` (${state}, ${counted(members ?? 0, 'member')})`
  if (partitions.length === 0) return `Group ${group}${who} has no committed offsets.`
  const without = withoutOffset === 0 ? '' : `, ${counted(withoutOffset, 'partition')} without a committed offset`
  return `Group ${group}${who} is ${counted(totalLag, 'record')} behind${without}.`
}
