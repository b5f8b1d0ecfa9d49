import { describe, expect, test } from 'vitest'
import { durationMs, resetTo } from '../../src/reset/reset-to.ts'

describe('a duration', () => {
  test.each([
    ['P7D', 604_800_000],
    ['PT12H', 43_200_000],
    ['PT1H30M', 5_400_000],
    ['PT0.5S', 500],
    ['P1DT1M', 86_460_000],
    ['P', undefined],
    ['PT', undefined],
    ['7 days', undefined],
    ['P1M', undefined],
    ['', undefined],
  ])('%j is %j ms', (text, ms) => {
    expect(durationMs(text)).toBe(ms)
  })
})

test('without a choice offsets go to the earliest, and two choices are refused', () => {
  expect(resetTo({}, 0)).toEqual({ kind: 'earliest' })
  expect(resetTo({ byDuration: 400 }, 1_000)).toEqual({ kind: 'time', ms: 600 })
  expect(() => resetTo({ toLatest: true, shiftBy: 1 }, 0)).toThrow('Choose one of --to-earliest')
})

test("a file of offsets is as Kafka's tools write it", () => {
  expect(resetTo({ fromFile: '"lines",0,5\nlines,1,7\n' }, 0)).toEqual({
    kind: 'given',
    offsets: new Map([
      ['lines 0', 5],
      ['lines 1', 7],
    ]),
  })
  expect(() => resetTo({ fromFile: 'lines,0,5\nlines;1;7\n' }, 0)).toThrow(
    "Line 2 of the file of offsets is not topic,partition,offset: 'lines;1;7'",
  )
  expect(() => resetTo({ fromFile: 'lines,0,5\nlines,0,7\n' }, 0)).toThrow('Line 2 of the file of offsets names a partition again')
})
