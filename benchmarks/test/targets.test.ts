import { expect, test } from 'vitest'
import type { Row } from '../src/harness/measure.ts'
import { exitCodeFor, targetLines, targetResults } from '../src/report/targets.ts'

const summary = (median: number) => ({ median, min: median, max: median, quartileRange: 0 })
const row = (name: string, micros: number): Row => ({
  ...{ name, says: '', micros: summary(micros), threadMicros: summary(micros), timeRatio: summary(micros / 10) },
  ...{ cpuRatio: { median: 1, upperLimit: 1 }, bytesPerRecord: 0 },
})
const measured = [{ comparison: 'rows', runs: 3, rows: [row('loop', 10), row('sink', 12), row('single', 500)] }]

test('a target says whether a row is so many times as fast as another, or within so much of the baseline', () => {
  const times = (least: number) => ({ comparison: 'rows', row: 'sink', timesFaster: { than: 'single', least }, says: `${least} times` })
  const within = (maxTimeRatio: number) => ({ comparison: 'rows', row: 'sink', maxTimeRatio, says: `within ${maxTimeRatio}` })
  const results = targetResults([times(40), times(50), within(1.25), within(1.15)], measured)
  expect(results.map(({ reached }) => reached)).toEqual([true, false, true, false])
  expect(targetLines(results).split('\n').slice(0, 2)).toEqual(['reached      40 times: 41.7 times', 'NOT REACHED  50 times: 41.7 times'])
})

test('a target that is missed makes the command fail where that is asked for', () => {
  const results = [true, false].map((reached) => ({ says: '', reached, measured: '' }))
  expect([exitCodeFor(results, true), exitCodeFor(results, false), exitCodeFor(results.slice(0, 1), true)]).toEqual([1, 0, 0])
})

test('what was not measured is not judged', () => {
  const targets = [
    { comparison: 'rows', row: 'sink', timesFaster: { than: 'nobody', least: 1 }, says: '' },
    { comparison: 'others', row: 'sink', maxTimeRatio: 1, says: '' },
  ]
  expect(targetResults(targets, measured)).toEqual([])
})
