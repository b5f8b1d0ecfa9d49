import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

import { blocksOf, readmeProgram } from '../packages/readme-program.mjs'
import { root } from '../paths.mjs'

const page = `# Millrace

\`\`\`ts
const elsewhere = 1
\`\`\`

## A program

\`\`\`ts
const brokers = ['localhost:9092']
\`\`\`

## What follows

\`\`\`ts
const later = 1
\`\`\`
`

test('the program is the first block of its section', () => {
  expect(readmeProgram(page, new Map())).toBe("const brokers = ['localhost:9092']\n")
})

test('only what is asked for is put in the place of something', () => {
  expect(readmeProgram(page, new Map([['localhost:9092', 'broker:1']]))).toBe("const brokers = ['broker:1']\n")
})

test('what is not in the program, or is there twice, cannot be replaced', () => {
  expect(() => readmeProgram(page, new Map([['localhost:9093', 'broker:1']]))).toThrow('localhost:9093')
  expect(() => readmeProgram(page, new Map([["'", '"']]))).toThrow('once')
})

test('a page without the program is refused', () => {
  expect(() => readmeProgram('## A program\n\nNone.\n\n## Next\n', new Map())).toThrow('has no program')
})

test('excerpts are no programs', () => {
  expect(blocksOf('```ts with=totals\nexcerpt\n```\n\n```sh\nnpm install\n```\n\n```ts run\nprogram\n```\n')).toEqual(['program\n'])
})

test("the README's program imports nothing but millrace", () => {
  const program = readmeProgram(readFileSync(join(root, 'README.md'), 'utf8'), new Map())
  const imports = [...program.matchAll(/from '([^']+)'/g)].map(([, name]) => name)

  expect(imports).toEqual(['millrace', 'millrace/leveldb', 'millrace/kafka'])
})
