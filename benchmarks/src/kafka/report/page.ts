import { readFile, writeFile } from 'node:fs/promises'
import { boundResults } from './bounds.ts'
import { inMarkdown } from '../../report/plain-table.ts'
import { resultTables } from './result-tables.ts'
import type { Results } from './results.ts'

export const BEGIN = '<!-- figures of bench:kafka: begin -->'
export const END = '<!-- figures of bench:kafka: end -->'

/** Everything that was measured, for a page. */
function resultsInMarkdown(results: Results): string {
  const { cpus, cpu, node, platform, memoryBytes } = results.machine
  const bounds = boundResults(results).map(({ says, reached, measured }) => [says, measured, reached ? 'reached' : 'not reached'])
  return [
    `Measured on ${cpus} x ${cpu}, ${Math.round(memoryBytes / 2 ** 30)} GB, ${platform}, Node ${node}; broker and programs on the same machine.\n`,
    `${originLines(results).join('\n')}\n`,
    inMarkdown({ title: 'Bounds', head: ['', 'measured (spread)', ''], rows: bounds }),
    ...resultTables(results).map(inMarkdown),
  ].join('\n')
}

/** A line for each command that something was measured with. */
function originLines({ origins }: Results): string[] {
  const names = new Map<string, string[]>()
  for (const [name, { date, command }] of Object.entries(origins)) {
    const line = `${date}, \`${command}\``
    names.set(line, [...(names.get(line) ?? []), `(${name})`])
  }
  return [...names].map(([line, all]) => `- ${line}: ${all.toSorted().join(', ')}`)
}

/** Puts figures into a page, between its two marks, in place of what is there. Rejects if it has no such marks. */
export async function writeIntoPage(file: string, results: Results): Promise<void> {
  const page = await readFile(file, 'utf8')
  const begin = page.indexOf(BEGIN)
  const end = page.indexOf(END)
  if (begin < 0 || end < begin) throw new Error(`${file} has no lines '${BEGIN}' and '${END}' to put figures between.`)
  await writeFile(file, `${page.slice(0, begin + BEGIN.length)}\n\n${resultsInMarkdown(results)}\n${page.slice(end)}`)
}
