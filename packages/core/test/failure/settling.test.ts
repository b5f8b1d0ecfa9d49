import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Acknowledgement } from '../../src/failure/failure-options.ts'
import { settling } from '../../src/failure/settling.ts'
import type { PartResult } from '../../src/failure/settling-step.ts'
import { type Process, report, settle, type Style, words } from './settle.ts'

const acknowledgements: Acknowledgement[] = ['all-or-nothing', 'best-effort', 'last-successful']
const styles: Style[] = ['throw', 'index', 'outcome']
const acknowledgement = fc.constantFrom(...acknowledgements)
const style = fc.constantFrom(...styles)
const maxRetries = fc.integer({ min: 0, max: 4 })

/** What a processor does at a call: fails or not, in some style, with records chosen by `salt`. */
const reaction = fc.record({
  style: fc.constantFrom('ok' as const, ...styles),
  salt: fc.nat(),
  kept: fc.boolean(),
  retryable: fc.boolean(),
})

/** A processor that fails as it likes: each call otherwise, for other records. */
const moods = fc.array(reaction, { minLength: 1, maxLength: 40 }).map((reactions): Process => {
  return (rows, keep, call) => {
    const { style, salt, kept, retryable } = reactions[call % reactions.length]!
    if (style === 'ok') return { ok: true }
    const bad = rows.filter((row) => ((row + 1) * 7919 + salt + call) % 3 === 0)
    const result = report(style, bad.length > 0 ? bad : [rows[salt % rows.length]!], keep && kept)
    const error = retryable ? 'again' : 'never again'
    if (!result.ok && 'failed' in result) return { ...result, failed: result.failed.map(({ row }) => ({ row, error })) }
    return { ...result, error } as PartResult
  }
})

/** Batches with some records bad, all of them at most. */
const batches = fc.integer({ min: 1, max: 200 }).chain((count) =>
  fc.record({
    count: fc.constant(count),
    bad: fc.uniqueArray(fc.integer({ min: 0, max: count - 1 }), { maxLength: count }).map((rows) => rows.sort((a, b) => a - b)),
  }),
)

const ascending = (rows: readonly number[]) => [...rows].sort((a, b) => a - b)

describe('settling', () => {
  test('ends for every sequence of results, and settles each record once, in order', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 30 }), acknowledgement, maxRetries, moods, (count, acknowledgement, maxRetries, process) => {
        const isRetryable = (error: unknown) => error !== 'never again'
        // The checks of each step are those of `settle`.
        const { kept, named, steps } = settle(count, { acknowledgement, maxRetries, isRetryable }, process)
        const inOrder = acknowledgement === 'best-effort' ? kept.filter((row) => !named.has(row)) : kept
        expect(inOrder).toEqual(ascending(inOrder))
        expect(steps.filter((step) => step.do === 'wait').length).toBeLessThanOrEqual(maxRetries * (count + 1))
      }),
      { numRuns: 2_000 },
    )
  })

  test('gives up what always fails, and never a good record with it, however the failures are told', () => {
    fc.assert(
      fc.property(
        batches,
        acknowledgement,
        maxRetries,
        fc.array(style, { minLength: 1 }),
        ({ count, bad }, acknowledgement, maxRetries, styles) => {
          const failing = new Set(bad)
          const { kept, givenUp } = settle(count, { acknowledgement, maxRetries: Math.min(maxRetries, 2) }, (rows, keep, call) =>
            report(
              styles[call % styles.length]!,
              rows.filter((row) => failing.has(row)),
              keep,
            ),
          )
          expect(ascending(givenUp)).toEqual(bad)
          expect(ascending(kept)).toEqual(Array.from({ length: count }, (_, row) => row).filter((row) => !failing.has(row)))
        },
      ),
    )
  })

  test('retries a named record exactly as often as it may, and gives none up that recovers by then', () => {
    const options = fc.record({ acknowledgement, style: fc.constantFrom<Style>('index', 'outcome'), maxRetries })
    fc.assert(
      fc.property(batches, options, fc.nat(), ({ count, bad }, { acknowledgement, style, maxRetries }, salt) => {
        // How often each bad record fails: once more than it may be retried, at most.
        const failures = new Map(bad.map((row) => [row, 1 + ((row * 31 + salt) % (maxRetries + 1))]))
        const failed = new Map<number, number>()
        const { givenUp, steps } = settle(count, { acknowledgement, maxRetries }, (rows, keep) => {
          const failing = rows.filter((row) => (failures.get(row) ?? 0) > (failed.get(row) ?? 0))
          // Only the first has a say where what follows it is delivered again.
          const told = style === 'index' || acknowledgement === 'last-successful' ? failing.slice(0, 1) : failing
          for (const row of told) failed.set(row, (failed.get(row) ?? 0) + 1)
          return report(style, told, keep)
        })
        expect(ascending(givenUp)).toEqual(bad.filter((row) => failures.get(row)! > maxRetries))
        const attempts = new Set(steps.flatMap((step) => (step.do === 'give-up' ? step.attempts : [])))
        expect([...attempts]).toEqual(givenUp.length === 0 ? [] : [maxRetries + 1])
      }),
    )
  })

  test('a batch that recovers is retried as a whole, and no more often than it may', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 100 }), acknowledgement, maxRetries, (count, acknowledgement, maxRetries) => {
        const { steps, givenUp } = settle(count, { acknowledgement, maxRetries }, (_, __, call) =>
          call < maxRetries ? { ok: false, error: new Error('away') } : { ok: true },
        )
        expect(givenUp).toEqual([])
        expect(steps.filter((step) => step.do === 'run')).toHaveLength(maxRetries + 1)
        expect(steps.flatMap((step) => (step.do === 'wait' ? step.retry : []))).toEqual(Array.from({ length: maxRetries }, (_, i) => i + 1))
      }),
    )
  })

  test('takes few calls to find few bad records, and never two for each record', () => {
    fc.assert(
      fc.property(batches, acknowledgement, maxRetries, ({ count, bad }, acknowledgement, maxRetries) => {
        fc.pre(bad.length > 0)
        const failing = new Set(bad)
        const { steps } = settle(count, { acknowledgement, maxRetries }, (rows) =>
          report(
            'throw',
            rows.filter((row) => failing.has(row)),
            false,
          ),
        )
        const parts = steps.filter((step) => step.do === 'run').length - 1 - maxRetries
        expect(parts).toBeLessThanOrEqual(2 * bad.length * (Math.log2(count / bad.length) + 1))
        expect(parts).toBeLessThan(2 * count)
        // The waits all come before the first part.
        expect(steps.findLastIndex((step) => step.do === 'wait')).toBeLessThan(2 * maxRetries + 1)
      }),
      { numRuns: 500 },
    )
  })

  test('does not retry what can not be helped', () => {
    const never = { maxRetries: 3, isRetryable: () => false }
    expect(words(settle(3, never, (rows, keep) => report('index', rows.includes(1) ? [1] : [], keep)).steps)).toEqual([
      'run 0 1 2',
      'give up 1 after 1',
      'run 0 2',
    ])
    expect(words(settle(2, never, (rows, keep) => report('throw', rows.includes(1) ? [1] : [], keep)).steps)).toEqual([
      'run 0 1',
      'run 0',
      'run 1',
      'give up 1 after 1',
    ])
  })

  test('under best effort, what an outcome names in the search is retried after it, and the others stay', () => {
    const answers: PartResult[] = [
      { ok: false, error: 'whole' },
      { ok: false, failed: [{ row: 1, error: 'bad' }], kept: true },
    ]
    const { steps } = settle(
      4,
      { acknowledgement: 'best-effort', maxRetries: 1, isRetryable: (error) => error !== 'whole' },
      (_, __, call) => {
        return answers[call] ?? { ok: true }
      },
    )
    expect(words(steps)).toEqual(['keep 0 1 2 3', 'keep 0 1', 'keep 2', 'keep 3', 'wait 1', 'keep 1'])
  })

  test('under last successful, what was given up is committed before a wait of those behind it', () => {
    const answers: PartResult[] = [
      { ok: false, at: 0, error: 'never again' },
      { ok: false, error: 'away' },
    ]
    const options = { acknowledgement: 'last-successful', maxRetries: 1, isRetryable: (error: unknown) => error === 'away' } as const
    const { steps } = settle(3, options, (_, __, call) => answers[call] ?? { ok: true })
    expect(words(steps)).toEqual(['run 0 1 2', 'give up 0 after 1', 'run 1 2', 'commit 1', 'wait 1', 'run 1 2'])
  })

  test('a batch of many records of which all fail ends', () => {
    for (const acknowledgement of acknowledgements) {
      const steps = settling(2_000, { acknowledgement, maxRetries: 0, isRetryable: () => true })
      let givenUp = 0
      for (let next = steps.next(); next.done !== true;) {
        if (next.value.do === 'give-up') givenUp++
        next = steps.next(next.value.do === 'run' ? { ok: false, at: next.value.rows[0]!, error: 'bad' } : undefined)
      }
      expect(givenUp).toBe(2_000)
    }
  })

  test.each<[string, PartResult | undefined, string]>([
    ['nothing', undefined, "A 'run' was answered with nothing"],
    ['a record of another part', { ok: false, at: 7, error: 'x' }, "Record 7 was named, which is not one of the part's 3."],
    ['no record', { ok: false, failed: [], kept: false }, 'names no record'],
    ['records kept that were not to be', { ok: false, failed: [{ row: 0, error: 'x' }], kept: true }, "'keep' was false"],
  ])('refuses an answer with %s', (_, answer, message) => {
    const steps = settling(3, { acknowledgement: 'all-or-nothing', maxRetries: 0, isRetryable: () => true })
    steps.next()
    expect(() => steps.next(answer)).toThrow(message)
  })

  test('has nothing to do for a batch of none', () => {
    for (const acknowledgement of acknowledgements) expect(settle(0, { acknowledgement }, () => ({ ok: true })).steps).toEqual([])
  })
})
