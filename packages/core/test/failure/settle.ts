import { expect } from 'vitest'
import { settling, type SettlingOptions } from '../../src/failure/settling.ts'
import type { PartResult, SettlingStep } from '../../src/failure/settling-step.ts'

/** How a processor takes a part: `call` counts from 0. */
export type Process = (rows: readonly number[], keep: boolean, call: number) => PartResult

/** What became of a batch. */
export interface Settled {
  readonly steps: readonly SettlingStep[]
  /** Rows of kept parts, in the order in which they were kept. */
  readonly kept: readonly number[]
  readonly givenUp: readonly number[]
  /** Rows that were ever named. */
  readonly named: ReadonlySet<number>
}

/** Settles a batch as the engine does, and checks what holds after each step. */
export function settle(count: number, options: Partial<SettlingOptions>, process: Process): Settled {
  const { acknowledgement = 'all-or-nothing', maxRetries = 3, isRetryable = () => true } = options
  const [steps, kept, givenUp, named] = [[] as SettlingStep[], [] as number[], [] as number[], new Set<number>()]
  const settled = new Set<number>()
  const settle = (row: number, list: number[]) => {
    if (settled.has(row)) throw new Error(`Row ${row} is settled twice.`)
    settled.add(row)
    list.push(row)
  }
  const generator = settling(count, { acknowledgement, maxRetries, isRetryable })
  let [calls, committed] = [0, 0]
  for (let next = generator.next(); next.done !== true;) {
    const step = next.value
    steps.push(step)
    if (steps.length > 50_000) throw new Error('This does not end.')
    let result: PartResult | undefined
    if (step.do === 'run') {
      if (!isPart(step.rows)) throw new Error(`A part is not empty, and ascends: ${step.rows.join(' ')}.`)
      if (step.rows.some((row) => settled.has(row))) throw new Error(`One of ${step.rows.join(' ')} is run again.`)
      result = process(step.rows, step.keep, calls++)
      for (const { row } of namedBy(result)) named.add(row)
      const failed = new Set(namedBy(result).map(({ row }) => row))
      if (result.ok || ('failed' in result && result.kept)) for (const row of step.rows) if (!failed.has(row)) settle(row, kept)
    } else if (step.do === 'wait') {
      expect(step.retry).toBeGreaterThanOrEqual(1)
      expect(step.retry).toBeLessThanOrEqual(maxRetries)
    } else if (step.do === 'give-up') {
      expect(step.attempts).toBeGreaterThanOrEqual(1)
      settle(step.row, givenUp)
    } else {
      expect(acknowledgement).toBe('last-successful')
      expect(step.rows).toBeGreaterThan(committed)
      committed = step.rows
      if (settled.size !== committed || Math.max(...settled) !== committed - 1)
        throw new Error(`Not all, or more, before ${committed} is done.`)
    }
    next = generator.next(result)
  }
  expect(settled.size, 'every record is settled').toBe(count)
  return { steps, kept, givenUp, named }
}

function isPart(rows: readonly number[]): boolean {
  return rows.length > 0 && rows.every((row, i) => i === 0 || row > rows[i - 1]!)
}

function namedBy(result: PartResult) {
  if (result.ok) return []
  if ('at' in result) return [{ row: result.at }]
  return 'failed' in result ? result.failed : []
}

/** How a processor tells of bad records. */
export type Style = 'throw' | 'index' | 'outcome'

/** What a processor says that fails with `bad` records of a part. */
export function report(style: Style, bad: readonly number[], keep: boolean): PartResult {
  const [first] = bad
  if (first === undefined) return { ok: true }
  const error = (row: number) => new Error(`row ${row}`)
  if (style === 'throw') return { ok: false, error: error(first) }
  if (style === 'index') return { ok: false, at: first, error: error(first) }
  return { ok: false, failed: bad.map((row) => ({ row, error: error(row) })), kept: keep }
}

/** Steps in words: `run 0 1`, `wait 1`, `give up 0 after 2`, `commit 1`; `keep 0 1` is a run that keeps. */
export function words(steps: readonly SettlingStep[]): string[] {
  return steps.map((step) => {
    if (step.do === 'run') return `${step.keep ? 'keep' : 'run'} ${step.rows.join(' ')}`
    if (step.do === 'wait') return `wait ${step.retry}`
    return step.do === 'give-up' ? `give up ${step.row} after ${step.attempts}` : `commit ${step.rows}`
  })
}
