import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { CATALOGUE } from '../src/metrics/catalogue.ts'

const read = (path: string) => readFileSync(fileURLToPath(new URL(`../../../docs/${path}`, import.meta.url)), 'utf8')

test('docs/telemetry.md lists every metric, as it is', () => {
  const rows = Object.values(CATALOGUE).map(
    ({ name, kind, labels, help }) =>
      `| \`${name}\` | ${kind} | ${labels
        .slice(1)
        .map((label) => `\`${label}\``)
        .join(', ')} | ${help} |`,
  )
  const table = ['| metric | kind | labels | |', '|---|---|---|---|', ...rows].join('\n')
  const [, written] = /<!-- metrics -->\n([^]*?)\n<!-- \/metrics -->/.exec(read('telemetry.md')) ?? []
  expect(written).toBe(table)
})
