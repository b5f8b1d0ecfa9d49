import type { Colors } from '../command-line/colours.ts'
import { type Column, counted, printable, table } from '../command-line/table.ts'
import { jsonBytes, shownBytes } from '../records/shown-bytes.ts'
import { type DeadLetter, idOf, originOf, reasonOf } from './dead-letter.ts'
import type { ReplayMark } from './replay-marks.ts'

/** A dead letter in a list: without its bytes, which may be large. */
export interface ListedLetter {
  readonly id: string
  readonly timestamp: number
  readonly from: string | null
  readonly stage: string | null
  readonly node: string | null
  readonly attempts: number | null
  readonly reason: string
  /** When it was replayed, milliseconds since 1970. */
  readonly replayedAt: number | null
  readonly replayedTo: string | null
}

export function listed(letter: DeadLetter, mark: ReplayMark | undefined): ListedLetter {
  const { record, info } = letter
  return {
    id: idOf(record),
    timestamp: record.timestamp,
    from: originOf(letter) ?? null,
    stage: info?.stage ?? null,
    node: info?.node ?? null,
    attempts: info?.attempts ?? null,
    reason: reasonOf(letter),
    replayedAt: mark?.at ?? null,
    replayedTo: mark?.to ?? null,
  }
}

const COLUMNS: readonly Column[] = ['DEAD LETTER', 'TIME', 'FROM', 'STAGE', 'NODE', 'REPLAYED', 'REASON'].map((title) => ({ title }))
/** Longer reasons are cut: `show` has them whole. */
const REASON_LENGTH = 100

/** For people. `total`: how many there are. */
export function listText(letters: readonly ListedLetter[], total: number, colors: Colors): string {
  if (total === 0) return 'There are no such dead letters.\n'
  const rows = letters.map(({ id, timestamp, from, stage, node, replayedAt, reason }) => [
    id,
    time(timestamp),
    printable(from ?? '-'),
    stage ?? '-',
    printable(node ?? '-'),
    replayedAt === null ? '-' : time(replayedAt),
    cut(printable(reason)),
  ])
  const more = total > letters.length ? `, of which the first ${letters.length} are shown: --limit` : ''
  return `${table(COLUMNS, rows, colors)}\n${counted(total, 'dead letter')}${more}.\n`
}

function cut(text: string): string {
  return text.length > REASON_LENGTH ? `${text.slice(0, REASON_LENGTH - 3)}...` : text
}

/** A record may have any number for a time, also one that no date has. */
function time(ms: number): string {
  if (ms < 0) return '-'
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString()
}

/** All of a dead letter, as data. */
export function letterJson(letter: DeadLetter, mark: ReplayMark | undefined): object {
  const { key, value, headers } = letter.record
  return {
    ...listed(letter, mark),
    stack: letter.info?.stack ?? null,
    key: jsonBytes(key),
    value: jsonBytes(value),
    headers: headers.map((header) => ({ key: header.key, value: jsonBytes(header.value) })),
  }
}

/** All of a dead letter, for people. */
export function letterText(letter: DeadLetter, mark: ReplayMark | undefined, colors: Colors): string {
  const { record, info } = letter
  const { id, from, stage, node, attempts, reason, timestamp } = listed(letter, mark)
  const facts: [string, string][] = [
    ['dead letter', id],
    ['from', printable(from ?? '-')],
    ['time', time(timestamp)],
    ['failed at', printable(`stage ${stage ?? '-'}, node ${node ?? '-'}, after ${counted(attempts ?? 1, 'attempt')}`)],
    ['reason', printable(reason)],
    ['replayed', mark === undefined ? 'no' : `${time(mark.at)} to ${printable(mark.to)}`],
    ['key', shownBytes(record.key)],
    ['value', shownBytes(record.value)],
  ]
  const lines = facts.map(([name, text]) => `${colors.bold(name.padEnd(12))}${text}\n`)
  const headers = record.headers.map(({ key, value }) => `  ${printable(key)}: ${shownBytes(value, 200)}\n`)
  const stack = info?.stack?.split('\n').map((line) => `  ${printable(line)}\n`) ?? []
  return [
    ...lines,
    ...(headers.length === 0 ? [] : [`${colors.bold('headers')}\n`, ...headers]),
    ...(stack.length === 0 ? [] : [`${colors.bold('stack')}\n`, ...stack]),
  ].join('')
}
