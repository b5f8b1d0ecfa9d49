import { describe, expect, test } from 'vitest'
import { resultJson } from '../../src/result/result-json.ts'
import { mostFrequent, resultTable } from '../../src/result/result-table.ts'

const result = {
  lines: 3,
  counts: new Map([
    ['whale', 1_200],
    ['__proto__', 2],
    ['constructor', 2],
    ['7', 1],
  ]),
  run: { records: 1_208, batches: 16, seconds: 0.25 },
}

describe('the result', () => {
  test('is one JSON object on one line, with a count for every word', () => {
    const text = resultJson(result)
    expect(text).toMatch(/^[^\n]+\n$/)
    expect(JSON.parse(text)).toEqual({
      lines: 3,
      words: 1_205,
      batches: 16,
      seconds: 0.25,
      counts: JSON.parse('{ "whale": 1200, "__proto__": 2, "constructor": 2, "7": 1 }') as unknown,
    })
  })

  test('is a table of the most frequent words, and how it went', () => {
    expect(resultTable(result)).toBe(`┌───┬─────────────┬───────┐
│   │ word        │ count │
├───┼─────────────┼───────┤
│ 1 │ whale       │ 1,200 │
│ 2 │ __proto__   │     2 │
│ 3 │ constructor │     2 │
│ 4 │ 7           │     1 │
└───┴─────────────┴───────┘

lines               3
words               1,205
different words     4
records             1,208 (lines, then words)
batches             16
records per batch   75.5
records per second  4,832
seconds             0.250
`)
  })

  test('says so when there are no words', () => {
    expect(resultTable({ lines: 0, counts: new Map(), run: { records: 0, batches: 0, seconds: 0 } })).toMatch(/^There are no words\.\n/)
  })

  test('has twenty words at most, the most frequent, ties by their characters', () => {
    const counts = new Map(Array.from({ length: 30 }, (_, i) => [`word${String(29 - i).padStart(2, '0')}`, i < 5 ? 9 : 1]))
    expect(mostFrequent(counts, 7)).toEqual([
      ['word25', 9],
      ['word26', 9],
      ['word27', 9],
      ['word28', 9],
      ['word29', 9],
      ['word00', 1],
      ['word01', 1],
    ])
    expect(resultTable({ ...result, counts })).toMatch(/│ 20 │ word14 │ +1 │\n└/)
  })
})
