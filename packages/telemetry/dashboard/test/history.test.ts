import { expect, test } from 'vitest'
import { History } from '../src/history.ts'
import type { Live } from '../src/live.ts'

const answer = (now: number, records: number) => ({ now, nodes: { count: records }, edges: [], partitions: [] }) as unknown as Live

/** The rate after each answer. */
function rates(...answers: readonly (readonly [now: number, records: number])[]): (number | undefined)[] {
  const history = new History()
  return answers.map(([now, records]) => {
    history.add(answer(now, records))
    return history.nodeRate('count')
  })
}

test('rates are means over some five seconds', () => {
  const steady = rates(...Array.from({ length: 20 }, (_, i) => [i * 1_000, i < 10 ? i * 100 : 900] as const))
  expect(steady[0]).toBeUndefined()
  expect(steady.slice(1, 10)).toEqual(Array.from({ length: 9 }, () => 100))
  expect(steady[12]).toBe(40)
  expect(steady.slice(15)).toEqual([0, 0, 0, 0, 0])
})

test('a page that was not seen for a while shows what is now, with its second answer', () => {
  expect(rates([0, 0], [1_000, 100], [601_000, 600_100], [602_000, 600_110]).slice(2)).toEqual([1_000, 10])
})

test('who answers seldom has rates all the same, and a clock that was set back is begun anew with', () => {
  expect(rates([0, 0], [20_000, 200], [40_000, 600])).toEqual([undefined, 10, 20])
  expect(rates([100_000, 0], [101_000, 10], [50_000, 20], [51_000, 50]).slice(2)).toEqual([undefined, 30])
})
