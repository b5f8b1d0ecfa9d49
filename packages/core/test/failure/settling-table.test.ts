import { describe, expect, test } from 'vitest'
import type { Acknowledgement } from '../../src/failure/failure-options.ts'
import { report, settle, type Style, words } from './settle.ts'

/** The steps for four records of which the third fails whatever is done, with one retry. */
function steps(acknowledgement: Acknowledgement, style: Style, bad: readonly number[] = [2]) {
  const { steps } = settle(4, { acknowledgement, maxRetries: 1 }, (rows, keep) =>
    report(
      style,
      rows.filter((row) => bad.includes(row)),
      keep,
    ),
  )
  return words(steps)
}

// The cells of the table in docs/failures.md.
describe('all-or-nothing', () => {
  test('throw: the whole is retried, then halved until the record stands alone', () => {
    expect(steps('all-or-nothing', 'throw')).toEqual([
      'run 0 1 2 3',
      'wait 1',
      'run 0 1 2 3',
      'run 0 1',
      'run 2',
      'give up 2 after 2',
      'run 3',
    ])
  })
  test('index: the whole is retried, then again without the record', () => {
    expect(steps('all-or-nothing', 'index')).toEqual(['run 0 1 2 3', 'wait 1', 'run 0 1 2 3', 'give up 2 after 2', 'run 0 1 3'])
  })
  test('outcome: the whole is retried, then again without the records', () => {
    expect(steps('all-or-nothing', 'outcome', [0, 2])).toEqual([
      'run 0 1 2 3',
      'wait 1',
      'run 0 1 2 3',
      'give up 0 after 2',
      'give up 2 after 2',
      'run 1 3',
    ])
  })
})

describe('best-effort', () => {
  test('throw: the whole is retried, then halved, and what succeeds stays', () => {
    expect(steps('best-effort', 'throw')).toEqual([
      'keep 0 1 2 3',
      'wait 1',
      'keep 0 1 2 3',
      'keep 0 1',
      'keep 2',
      'give up 2 after 2',
      'keep 3',
    ])
  })
  test('index: what comes before is run by itself, the record is retried alone, then comes the rest', () => {
    expect(steps('best-effort', 'index')).toEqual(['keep 0 1 2 3', 'keep 0 1', 'wait 1', 'keep 2', 'give up 2 after 2', 'keep 3'])
  })
  test('outcome: the others stay, the failed records alone are retried, together', () => {
    expect(steps('best-effort', 'outcome', [0, 2])).toEqual([
      'keep 0 1 2 3',
      'wait 1',
      'keep 0 2',
      'give up 0 after 2',
      'give up 2 after 2',
    ])
  })
})

describe('last-successful', () => {
  test('throw: the whole is retried, then halved until the record stands alone', () => {
    expect(steps('last-successful', 'throw')).toEqual([
      'run 0 1 2 3',
      'wait 1',
      'run 0 1 2 3',
      'run 0 1',
      'run 2',
      'give up 2 after 2',
      'run 3',
    ])
  })
  test('index: what comes before is run by itself and committed, the rest is delivered again from the record', () => {
    expect(steps('last-successful', 'index')).toEqual([
      'run 0 1 2 3',
      'run 0 1',
      'commit 2',
      'wait 1',
      'run 2 3',
      'give up 2 after 2',
      'run 3',
    ])
  })
  test('outcome: the same from the first that failed, and what was given up is committed before the next wait', () => {
    expect(steps('last-successful', 'outcome', [1, 2])).toEqual([
      'run 0 1 2 3',
      'run 0',
      'commit 1',
      'wait 1',
      'run 1 2 3',
      'give up 1 after 2',
      'run 2 3',
      'commit 2',
      'wait 1',
      'run 2 3',
      'give up 2 after 2',
      'run 3',
    ])
  })
})
