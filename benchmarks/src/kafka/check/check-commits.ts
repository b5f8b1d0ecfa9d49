import { WrongResult } from './wrong-result.ts'

/** What is known of how a program committed. */
export interface Committing {
  readonly guarantee: 'at-least-once' | 'exactly-once'
  readonly intervalMs: number
  /** How long it ran. */
  readonly ms: number
  /** How often it committed, of the partition where that was most often. */
  readonly commits: number
  /** Of each partition of the input: what is committed in the end, and what is in it. */
  readonly offsets: readonly { readonly partition: number; readonly committed: number; readonly end: number }[]
  /** Of each partition of the output: records, and offsets without one. */
  readonly output: readonly { readonly records: number; readonly gaps: number }[]
}

/** A busy machine may make commits late, but not by so much. */
const LATE = 20

/** Checks that all of the input is committed, in transactions or not as was asked for, and that commits were not saved. Throws what is wrong. */
export function checkCommits({ guarantee, intervalMs, ms, commits, offsets, output }: Committing): void {
  const wrong = (what: string) => new WrongResult('What was committed', what)
  for (const { partition, committed, end } of offsets)
    if (committed !== end) throw wrong(`partition ${partition} at ${committed} instead of ${end}`)
  for (const { records, gaps } of output) {
    if (guarantee === 'exactly-once' && records > 0 && gaps === 0) throw wrong('output of exactly once is in no transaction')
    if (guarantee === 'at-least-once' && gaps > 0) throw wrong('output of at least once is in transactions')
  }
  const least = Math.floor(ms / intervalMs / LATE)
  if (commits < least) throw wrong(`${commits} commits in ${Math.round(ms)} ms, for an interval of ${intervalMs} ms`)
}
