import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'

import { commentsAsMarkdown } from '../docs/comments.ts'
import { compileExamples } from '../docs/compile-examples.ts'
import { type ExampleModule, withPlaces } from '../docs/example-module.ts'
import { examplesOf, placeOf } from '../docs/examples.ts'
import { fencesOf } from '../docs/fences.ts'
import { runExample } from '../docs/run-example.ts'
import { entryPoints, undocumented } from '../docs/undocumented.ts'
import { writeExamples } from '../docs/write-examples.ts'

const page = (...lines: string[]) => examplesOf(fencesOf('page.md', lines.join('\n')))

async function written(...lines: string[]) {
  const { folder, modules } = await writeExamples(page(...lines))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return { folder, modules, first: modules[0] as ExampleModule }
}

describe('the blocks of a page', () => {
  test('are an example each, found by page and line', () => {
    const examples = page('# Title', '```ts', 'one', '```', '```sh', 'ls', '```', '```ts run', 'two', '```')

    expect(examples.map((example) => [placeOf(example), example.run])).toEqual([
      ['page.md:3', 'no'],
      ['page.md:9', 'program'],
    ])
  })

  test('of one name are one example', () => {
    const examples = page('```ts join=a run=node-test', 'one', '```', '```ts', 'alone', '```', '```ts join=a', 'two', '```')

    expect(examples.map(({ fences, run }) => [fences.map(({ code }) => code), run])).toEqual([
      [['one', 'two'], 'node-test'],
      [['alone'], 'no'],
    ])
  })

  test.each([
    ['a slip in the info string', ['```ts ruin', '```'], "page.md:1: 'ruin' means nothing here"],
    ['another spelling of the language', ['', '```typescript', '```'], "page.md:2: write 'ts', not 'typescript'"],
    ['a block that is never closed', ['', '', '```ts', 'let x'], 'page.md:3: this block is never closed'],
  ])('are refused for %s', (_, lines, message) => {
    expect(() => page(...lines)).toThrow(message)
  })

  test('that ask for a preamble that is not there are refused', async () => {
    await expect(written('```ts with=nothing', '```')).rejects.toThrow("page.md asks for the preamble 'nothing'")
  })
})

describe('compiling', () => {
  test('names page and line of every mistake, of every block, joined or with a preamble', async () => {
    const { folder, modules } = await written(
      '```ts join=a',
      'const one: number = 1',
      '```',
      'Text.',
      '```ts join=a',
      "const two: string = one ? 'a' : 2",
      '```',
      '```ts with=totals',
      'totals.unknown()',
      '```',
      '```ts',
      "import { serdes } from 'millrace'",
      '```',
      '```ts',
      "import { Pipeline } from 'millrace'",
      'new Pipeline(one)',
      '```',
    )

    const complaints = await compileExamples(folder, modules)

    expect(complaints.map(({ place, message }) => `${place} ${message.slice(0, 6)}`)).toEqual([
      'page.md:6 TS2322',
      'page.md:9 TS2339',
      'page.md:12 TS6133',
      'page.md:15 TS2305',
      'page.md:16 TS2304',
    ])
  })

  test('takes what an example declares and does not use for what it shows', async () => {
    const { folder, modules } = await written('```ts', 'const shown = 1', 'class Shown {}', '```')

    expect(await compileExamples(folder, modules)).toEqual([])
  })
})

describe('running', () => {
  test('a program that ends well succeeds', async () => {
    const { folder, first } = await written('```ts run', "import { serdes } from 'millrace'", 'console.log(typeof serdes.string)', '```')

    expect(await runExample(folder, first)).toEqual({ code: 0, output: 'object\n' })
  })

  test.each(['run', 'run=node-test', 'run=vitest'])('what throws fails and names page and line (%s)', async (run) => {
    const { folder, modules, first } = await written(
      `\`\`\`ts ${run}`,
      '',
      'const broken: number = 1',
      "throw new Error('no' + broken)",
      '```',
    )

    const { code, output } = await runExample(folder, first)

    expect(code).not.toBe(0)
    expect(withPlaces(output, modules)).toContain('page.md:4')
  })

  test.each([
    ['run=node-test', 'node:test'],
    ['run=vitest', 'vitest'],
  ])('a test that fails fails the example (%s)', async (run, runner) => {
    const { folder, first } = await written(
      `\`\`\`ts ${run}`,
      `import { test } from '${runner}'`,
      "test('a', () => { throw new Error('b') })",
      '```',
    )

    expect((await runExample(folder, first)).code).not.toBe(0)
  })
})

describe('public exports', () => {
  test('are named where TSDoc is missing and the name does not say everything', async () => {
    const { folder } = await written()
    const file = join(folder, 'index.ts')
    await writeFile(
      file,
      `
/** Documented. */
export interface Given {
  readonly topic: string
  readonly limit: number
  readonly limitMs: number
  readonly maybe?: string
  close(): void
  /** Documented. */
  readonly said?: string
}
export type Bare = string
/** Documented. */
export class Made implements Pick<Given, 'topic'> {
  readonly topic = ''
  /** @internal */
  hidden(): void {}
  #own(): void {
    this.#own()
  }
  open(): void {}
}
/** Documented. */
export const many = Object.freeze({
  one() {},
  /** Documented. */
  two() {},
})
`,
    )

    expect(undocumented([file]).map((line) => line.split('  ')[1])).toEqual([
      'Bare',
      'Made.open',
      'many.one',
      'Given.limit',
      'Given.maybe',
      'Given.close',
    ])
  })

  test('are those of the exports of every package', async () => {
    const files = (await entryPoints()).map((file) => file.replace(/^.*\/packages\//, ''))

    expect(files).toEqual(expect.arrayContaining(['core/src/index.ts', 'millrace/src/fp.ts', 'testing/src/index.ts']))
  })
})

test('the comments of a source are a page whose lines are those of the source', () => {
  const source = ['/** One. */', 'const one = 1', '/**', ' * Two:', ' *', ' * ```ts', ' *   two()', ' * ```', ' */', 'two() // ```ts'].join(
    '\n',
  )

  expect(commentsAsMarkdown(source).split('\n')).toEqual(['One.', '', '', 'Two:', '', '```ts', '  two()', '```', '', ''])
})
