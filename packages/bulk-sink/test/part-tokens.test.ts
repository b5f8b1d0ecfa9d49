import { ManualClock, silentLogger } from '@millrace/core'
import { expect, test } from 'vitest'
import type { Entry } from '../src/insert/entry.ts'
import { partToken } from '../src/insert/part-token.ts'
import { createBulkSink } from '../src/index.ts'
import { numbers, Refusal, settled, Shelf } from './support/shelf.ts'

const entries = (places: readonly number[]): Entry[] =>
  places.map((place) => ({ row: {}, bytes: 1, part: undefined, slot: 0, at: 0, offset: -1, timestamp: -1, place }))

test('rows of a batch have the same token whenever just these are inserted together, and no others have it', () => {
  const sets = [
    numbers(100),
    numbers(50),
    numbers(50).filter((place) => place !== 7),
    numbers(50).filter((place) => place !== 8),
    numbers(100).slice(50),
    [0],
    [49],
    numbers(100).filter((place) => place % 2 === 0),
    numbers(100).filter((place) => place % 2 === 1),
  ]
  const tokens = sets.map((places) => partToken('t', entries(places), 100))
  expect(new Set(tokens).size).toBe(sets.length)
  expect(tokens).toEqual(sets.map((places) => partToken('t', entries(places), 100)))
  expect(tokens[0]).toBe('t')
  expect(tokens[2]).toBe('t/0-6.8-49')
  expect(Math.max(...tokens.map(({ length }) => length))).toBeLessThan(80)
})

test.each([
  ['a batch that is taken apart', true],
  ['rows that go in one by one', false],
])('of %s, interrupted and tried again, no row comes under a token that stood for others', async (_, enabled) => {
  const [shelf, clock] = [new Shelf({ tokens: true }), new ManualClock()]
  const bad = new Set<unknown>([30, 90])
  await using sink = createBulkSink({
    ...{ driver: shelf.driver, clock, environment: {}, logger: silentLogger, closeTimeoutMs: 0, deadLetter: () => undefined },
    tables: { t: { strategy: 'size', batchSize: 100, enabled } },
    maxConcurrentInserts: 1,
  })
  let failures = 1
  shelf.before = ({ rows }) => {
    if (rows[0]?.['id'] === 50 && failures-- > 0) throw new Refusal('server')
    if (rows.some(({ id }) => bad.has(id))) throw new Refusal('rows')
  }
  for (const id of numbers(100)) await sink.write('t', { id })
  await settled()
  await clock.advance(10_000, settled)
  expect([...shelf.ids('t')].map(Number).sort((a, b) => a - b)).toEqual(numbers(100).filter((id) => !bad.has(id)))
})
