import Table from 'cli-table3'
import type { Measured } from '../harness/measure.ts'
import { against, figure } from './figures.ts'
import { drawn } from './plain-table.ts'
import { profileTable } from './profile-parts.ts'

/** No colours, no line between rows. */
const PLAIN = { style: { head: [], border: [], compact: true } }
const SAYS_WIDTH = 70

/** One comparison: the baseline first, each row with what it does. */
export function measuredTable({ comparison, rows, runs }: Measured): string {
  const table = new Table({
    ...PLAIN,
    head: ['', 'us/record', 'spread', 'its thread', 'against the first', 'bytes/record', 'what it is'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'left'],
    colWidths: [null, null, null, null, null, null, SAYS_WIDTH],
    wordWrap: true,
  })
  rows.forEach(({ name, says, micros, threadMicros, timeRatio, bytesPerRecord }, i) =>
    table.push([
      name,
      figure(micros.median),
      `${figure(micros.min)}-${figure(micros.max)}`,
      figure(threadMicros.median),
      i === 0 ? '' : against(timeRatio.median),
      figure(Math.round(bytesPerRecord)),
      says,
    ]),
  )
  return `${comparison} (median of ${runs} runs)\n${table.toString()}\n`
}

/** Where the time of each row goes; nothing where no row was profiled. */
export function profiledTable({ comparison, rows }: Measured): string {
  const profiles = rows.flatMap(({ name, parts }) => (parts === undefined ? [] : [{ title: name, parts }]))
  return profiles.length === 0 ? '' : `${drawn(profileTable(comparison, profiles))}\n`
}
