import { describe, expect, test } from 'vitest'
import { check, type Seen } from '../src/check/check.ts'

const put = (seq: number, count: number, more: { offset?: number; epoch?: number } = {}) => ({
  key: 'k',
  value: { count, seq, task: '1_0', epoch: 1, offset: seq, ...more },
})

/** Three inputs of one key, with this output and state. */
function seen(output: Seen['output'], { local = 3, changelog = 3 } = {}): Seen {
  return {
    input: [1, 2, 3].map((seq) => ({ value: { key: 'k', seq } })),
    output,
    changelog: [
      { key: 'k', value: 1 },
      { key: 'k', value: changelog },
    ],
    states: new Map([['k', local]]),
  }
}

const exact = [put(1, 1), put(2, 2), put(3, 3)]

describe('exactly once', () => {
  test('is what counts each input once, in order', () => {
    expect(check('exactly-once', seen(exact))).toEqual([])
  })

  test.each([
    ['a repeat', [put(1, 1), put(2, 2), put(2, 2), put(3, 3)], {}, 'its output 3 of 4 has the count 2'],
    ['a loss', [put(1, 1), put(3, 2)], {}, '2 records were put out for 3'],
    ['another order', [put(1, 1), put(3, 3), put(2, 2)], {}, 'its output 2 of 3 has the count 3'],
    ['nothing', [], {}, '0 records were put out for 3'],
    ['local state that is behind', exact, { local: 2 }, 'its local state is 2 instead of 3'],
    ['a changelog that is ahead', exact, { changelog: 4 }, 'its changelog says 4 instead of 3'],
  ])('is not %s', (_, output, state, problem) => {
    expect(check('exactly-once', seen(output, state))).toEqual([`k: ${problem}`])
  })

  test('is not what was never put in', () => {
    expect(check('exactly-once', seen([...exact, { ...put(1, 1), key: 'other' }]))).toEqual(['other: put out, and never put in'])
  })
})

describe('at least once', () => {
  test.each([
    ['each input once', exact, {}],
    ['repeats', [put(1, 1), put(2, 2), put(2, 2, { epoch: 2 }), put(3, 3, { epoch: 2 })], {}],
    ['counts that are too high', [put(1, 1), put(2, 2), put(2, 3, { epoch: 2 }), put(3, 4, { epoch: 2 })], { local: 4, changelog: 4 }],
    ['what comes late of one who was put out', [put(1, 1), put(2, 2, { epoch: 2 }), put(3, 3, { epoch: 2 }), put(2, 2)], {}],
  ])('is %s', (_, output, state) => {
    expect(check('at-least-once', seen(output, state))).toEqual([])
  })

  test.each([
    ['a loss', [put(1, 1), put(3, 2)], {}, 'input 2 of 3 is not reflected'],
    ['another order', [put(1, 1), put(3, 3), put(2, 2)], {}, 'after the count 3 came 2'],
    ['state that was set back', [put(1, 1), put(2, 2), put(3, 2)], {}, 'after the count 2 came 2'],
    ['local state that is behind', exact, { local: 2 }, 'its local state is 2, less than 3'],
    ['a changelog that is behind', exact, { changelog: 2 }, 'its changelog says 2, less than 3'],
  ])('is not %s', (_, output, state, problem) => {
    expect(check('at-least-once', seen(output, state))).toEqual([`k: ${problem}`])
  })
})
