import Table from 'cli-table3'
import type { Result } from '../run/run.ts'

/** Of what is wrong, so much is printed; the file of `--json` has all. */
const MOST_LINES = 20

export function reportText({ settings, faults, happened, inputs, outputs, wrong, complaints }: Result): string {
  const table = new Table({ style: { head: [], border: [] } })
  table.push(
    ['seed', String(settings.seed)],
    [
      'faults',
      Object.entries(faults)
        .map(([name, count]) => `${name} ${count}`)
        .join(', '),
    ],
    ['tasks given to workers', String(happened.assigned)],
    ['recoveries', String(happened.recovered)],
    ['changelog records restored', String(happened.restored)],
    ['input records', String(inputs)],
    ['output records', String(outputs)],
  )
  const more = wrong.length > MOST_LINES ? [`... and ${wrong.length - MOST_LINES} more`] : []
  const verdict = wrong.length === 0 ? ['Nothing is wrong.'] : [`WRONG (${wrong.length}):`, ...wrong.slice(0, MOST_LINES), ...more]
  const said = complaints.length > 0 ? ['The last errors that workers logged:', ...complaints] : []
  return [table.toString(), ...verdict, ...said].join('\n')
}

export function reportJson(result: Result): string {
  return `${JSON.stringify(result, null, 2)}\n`
}
