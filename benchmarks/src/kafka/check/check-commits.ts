import { WrongResult } from './wrong-result.ts'

/** What is known of how a program committed. */
export interface Committing {
  readonly guarantee: 'at-least-once' | 'exactly-once'
  /** Of each partition of the input: what is committed in the end, and what is in it. */
  readonly offsets: readonly { readonly partition: number; readonly committed: number; readonly end: number }[]
  /** Of each partition of the output: records, and offsets without one. */
  readonly output: readonly { readonly records: number; readonly gaps: number }[]
}

/** Checks that all of the input is committed, and the output in transactions or not, as was asked for. Throws what is wrong. */
export function checkCommits({ guarantee, offsets, output }: Committing): void {
  const wrong = (what: string) => new WrongResult('What was committed', what)
  for (const { partition, committed, end } of offsets)
    if (committed !== end) throw wrong(`partition ${partition} at ${committed} instead of ${end}`)
  for (const { records, gaps } of output) {
    if (guarantee === 'exactly-once' && records > 0 && gaps === 0) throw wrong('output of exactly once is in no transaction')
    if (guarantee === 'at-least-once' && gaps > 0) throw wrong('output of at least once is in transactions')
  }
}
