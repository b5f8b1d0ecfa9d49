import type { Fence } from './fences.ts'

/** How an example is run: as a program, or by a test runner. `no` compiles it only. */
export type Run = 'no' | 'program' | 'node-test' | 'vitest'

/** One module: a block of a page, or the blocks of a page that are marked to be one. */
export interface Example {
  readonly page: string
  readonly fences: readonly Fence[]
  readonly run: Run
  /** A file of `tools/docs/preambles` whose lines come first: what an excerpt leaves out. */
  readonly preamble: string | undefined
}

const RUNS: Readonly<Record<string, Run>> = { run: 'program', 'run=node-test': 'node-test', 'run=vitest': 'vitest' }

// Highlighters take all of these for the same; one spelling means that none is overlooked.
const OTHER_SPELLINGS = new Set(['typescript', 'tsx', 'js', 'javascript', 'mjs', 'cjs', 'jsx', 'mts', 'cts'])

interface Draft {
  readonly page: string
  readonly fences: Fence[]
  run: Run
  preamble: string | undefined
}

/**
 * The examples of one page. Of each block in `ts`, the rest of the info string says:
 *
 * - `run`, `run=node-test`, `run=vitest`: it is run as well, as a program or by that test runner;
 * - `with=NAME`: it is an excerpt, and what it lacks is in `tools/docs/preambles/NAME.txt`;
 * - `join=NAME`: it goes on where the block before it of that name on the page ended.
 *
 * Throws at any other word, and at code in another spelling of the language: nothing is left out by a slip.
 */
export function examplesOf(fences: readonly Fence[]): Example[] {
  const drafts: Draft[] = []
  const joined = new Map<string, Draft>()
  for (const fence of fences) {
    const [language, ...words] = fence.info
    const where = `${fence.page}:${fence.line - 1}`
    if (language === undefined) continue
    if (OTHER_SPELLINGS.has(language)) throw new Error(`${where}: write 'ts', not '${language}', or the example is not checked.`)
    if (language !== 'ts') continue
    const name = words.find((word) => word.startsWith('join='))
    const draft = (name === undefined ? undefined : joined.get(name)) ?? {
      page: fence.page,
      fences: [],
      run: 'no' as Run,
      preamble: undefined,
    }
    if (draft.fences.length === 0) drafts.push(draft)
    if (name !== undefined) joined.set(name, draft)
    draft.fences.push(fence)
    for (const word of words) {
      const run = RUNS[word]
      if (run !== undefined) draft.run = run
      else if (word.startsWith('with=')) draft.preamble = word.slice('with='.length)
      else if (word !== name)
        throw new Error(`${where}: '${word}' means nothing here: run, run=node-test, run=vitest, with=NAME, join=NAME.`)
    }
  }
  return drafts
}

/** Where an example stands, for people: `docs/stores.md:12`. */
export function placeOf(example: Example): string {
  return `${example.page}:${(example.fences[0] as Fence).line}`
}
