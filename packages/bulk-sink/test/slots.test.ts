import { ManualClock, silentLogger } from '@millrace/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createBulkSink } from '../src/index.ts'
import { mayBegin } from '../src/insert/slots.ts'
import { gate, numbers, Refusal, settled, Shelf } from './support/shelf.ts'

const priority = fc.integer({ min: 1, max: 10 })

describe('slots of inserts', () => {
  test('are never more than there may be; each higher priority has one that lower ones leave alone', () => {
    fc.assert(
      fc.property(fc.array(priority, { minLength: 1 }), fc.integer({ min: 1, max: 8 }), fc.array(priority), (known, most, wanting) => {
        const priorities = new Set([...known, ...wanting])
        const running: number[] = []
        for (const one of wanting) if (mayBegin(one, { most, running, priorities })) running.push(one)
        expect(running.length).toBeLessThanOrEqual(most)
        const sorted = [...priorities].toSorted((a, b) => a - b)
        // Whatever hangs of one priority and of lower ones, each higher one finds a slot, as far as there are enough for one each.
        for (const [higher, one] of sorted.entries()) {
          const notHigher = running.filter((other) => other >= one).length
          expect(notHigher).toBeLessThanOrEqual(most - Math.min(higher, most - 1))
        }
        const [highest, lowest] = [sorted[0] as number, sorted.at(-1) as number]
        const hanging: number[] = []
        for (const one of Array.from({ length: 20 }, () => lowest))
          if (mayBegin(one, { most, running: hanging, priorities })) hanging.push(one)
        expect(hanging.length).toBeGreaterThan(0)
        expect(mayBegin(highest, { most, running: hanging, priorities })).toBe(priorities.size > 1 && most > 1)
      }),
    )
  })

  test('are not all taken by inserts of low priority that hang: high priority goes on', async () => {
    const [shelf, clock] = [new Shelf(), new ManualClock()]
    const tables = {
      high: { strategy: 'immediate', priority: 1, batchSize: 1 },
      low: { strategy: 'immediate', priority: 3, batchSize: 1 },
    } as const
    await using sink = createBulkSink({ driver: shelf.driver, clock, environment: {}, tables, closeTimeoutMs: 0 })
    const hanging = gate()
    shelf.before = ({ table }) => (table === 'low' ? hanging.opened : undefined)
    for (const id of numbers(20)) await sink.write('low', { id })
    await settled()
    expect(shelf.inserts).toHaveLength(3)
    for (const id of numbers(5)) await sink.write('high', { id })
    for (let turn = 0; turn < 10; turn++) await settled()
    expect(shelf.ids('high')).toEqual(numbers(5))
    hanging.open()
    await sink.flush()
    expect(shelf.ids('low')).toHaveLength(20)
  })
})

test('close tells rows as stored whose afterInsert hangs, and others of the same batch as left', async () => {
  const [shelf, clock] = [new Shelf(), new ManualClock()]
  const sink = createBulkSink({
    ...{ driver: shelf.driver, clock, environment: {}, closeTimeoutMs: 1_000 },
    tables: { t: { strategy: 'size', batchSize: 10 }, u: { strategy: 'size', batchSize: 10 } },
    afterInsert: () => new Promise<void>(() => undefined),
  })
  shelf.before = ({ table }) => (table === 'u' ? new Promise<void>(() => undefined) : undefined)
  for (const id of numbers(10)) await sink.write('t', { id })
  for (const id of numbers(7)) await sink.write('u', { id })
  await settled()
  const closing = sink.close()
  await clock.advance(1_000, settled)
  expect(await closing).toEqual({ stored: 10, rejected: 0, left: 7 })
})

test('a dead letter that hangs keeps no slot: other tables go on, and it is not called again for the same row', async () => {
  const [shelf, clock] = [new Shelf(), new ManualClock()]
  const [ends, messages] = [gate(), new Set<string>()]
  let calls = 0
  await using sink = createBulkSink({
    ...{ driver: shelf.driver, clock, environment: {}, closeTimeoutMs: 0, maxConcurrentInserts: 1, insertTimeoutMs: 1_000 },
    tables: { bad: { strategy: 'immediate', retries: 0 }, good: { strategy: 'immediate' } },
    logger: { ...silentLogger, warn: (_: object, message?: string) => void messages.add(message ?? '') },
    deadLetter: () => {
      calls++
      return ends.opened
    },
  })
  shelf.before = ({ table }) => {
    if (table === 'bad') throw new Refusal('rows')
  }
  await sink.write('bad', { id: 0 })
  await settled()
  await sink.write('good', { id: 1 })
  await clock.advance(5_000, settled)
  expect(shelf.ids('good')).toEqual([1])
  ends.open()
  await clock.advance(5_000, settled)
  expect(sink.metrics()).toMatchObject({ rejected_events: 1, batching: { queued_items: 0 } })
  expect([calls, messages]).toEqual([1, new Set(['a row that is given up is handed over again'])])
})

test('a row that is given up is counted once, however often it takes to let it go', async () => {
  const [shelf, clock] = [new Shelf(), new ManualClock()]
  let tries = 0
  await using sink = createBulkSink({
    ...{ driver: shelf.driver, clock, environment: {}, closeTimeoutMs: 0 },
    tables: { t: { strategy: 'size', batchSize: 3, retries: 0 } },
    deadLetter: () => {
      if (++tries < 4) throw new Error('the topic is away')
    },
  })
  shelf.before = ({ rows }) => {
    if (rows.some(({ id }) => id === 1)) throw new Refusal('rows')
  }
  for (const id of numbers(3)) await sink.write('t', { id })
  await settled()
  await clock.advance(60_000, settled)
  expect(tries).toBe(4)
  expect(shelf.ids('t')).toEqual([0, 2])
  expect(sink.metrics()).toMatchObject({ rejected_events: 1, total_events_inserted: 2, batching: { queued_items: 0 } })
})
