import Table from 'cli-table3'
import { type Result, wordsOf } from './result.ts'

const TOP = 20
/** No colours, no line between rows. */
const PLAIN = { style: { head: [], border: [], compact: true } }

/** The most frequent words as a table, and how it went. */
export function resultTable(result: Result): string {
  const { lines, counts, run } = result
  const { records, batches, seconds } = run
  const top = mostFrequent(counts, TOP)
  const table = new Table({ ...PLAIN, head: ['', 'word', 'count'], colAligns: ['right', 'left', 'right'] })
  top.forEach(([word, count], i) => table.push([String(i + 1), word, whole(count)]))
  const rows: readonly (readonly [string, string])[] = [
    ['lines', whole(lines)],
    ['words', whole(wordsOf(result))],
    ['different words', whole(counts.size)],
    ['records', `${whole(records)} (lines, then words)`],
    ['batches', whole(batches)],
    ['records per batch', batches === 0 ? '0' : (records / batches).toFixed(1)],
    ['records per second', seconds === 0 ? '0' : whole(Math.round(records / seconds))],
    ['seconds', seconds.toFixed(3)],
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  const summary = rows.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join('')
  return `${top.length === 0 ? 'There are no words.' : table.toString()}\n\n${summary}`
}

/** Words with the highest counts, those of one count by their characters. */
export function mostFrequent(counts: ReadonlyMap<string, number>, length: number): [word: string, count: number][] {
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, length)
}

function whole(number: number): string {
  return number.toLocaleString('en')
}
