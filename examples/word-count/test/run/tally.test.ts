import type { RuntimeEvent } from 'millrace'
import { expect, test } from 'vitest'
import { bytesCounted } from '../../src/run/progress.ts'
import { Tally } from '../../src/run/tally.ts'

const common = { task: '0_0', partition: 0, trigger: 'records' } as const

function cut(topic: string, records: number, bytes: number): RuntimeEvent {
  return { ...common, type: 'cut', stage: 'batch', topic, records, bytes, ageMs: 0 }
}

test('lines, words and batches are told apart by the topic they come from, and the text is done when its words are counted', () => {
  const tally = new Tally('lines')
  expect(bytesCounted(tally)).toBe(0)
  tally.observe(cut('lines', 10, 490))
  tally.observe({ ...common, type: 'batch', stage: 'source', node: 'lines', topic: 'lines', records: 10, bytes: 490, durationMs: 1 })
  tally.observe({ ...common, type: 'batch', stage: 'sink', node: 'by-word-sink', topic: 'lines', records: 80, bytes: 400, durationMs: 1 })
  expect(bytesCounted(tally)).toBe(0)
  tally.observe(cut('word-count-by-word-repartition', 20, 100))
  expect(bytesCounted(tally)).toBe(125)
  tally.observe(cut('word-count-by-word-repartition', 60, 300))
  expect(bytesCounted(tally)).toBe(500)
  expect(tally).toMatchObject({ lines: 10, found: 80, words: 80, batches: 3, records: 90 })
})
