import { ManualClock, silentLogger } from '@millrace/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createBulkSink } from '../src/index.ts'
import { mayBegin } from '../src/insert/slots.ts'
import { gate, numbers, Refusal, settled, Shelf } from './support/shelf.ts'

const priority = fc.integer({ min: 1, max: 10 })
const one = { strategy: 'immediate', batchSize: 1 } as const

describe('slots of inserts', () => {
  test('are never more than there may be; the last is left to what is more urgent than all that runs, and to the highest priority', () => {
    fc.assert(
      fc.property(fc.array(priority, { minLength: 1 }), fc.integer({ min: 1, max: 8 }), fc.array(priority), (known, most, wanting) => {
        const priorities = new Set([...known, ...wanting])
        const highest = Math.min(...priorities)
        const running: number[] = []
        for (const one of wanting) if (mayBegin(one, { most, running, priorities })) running.push(one)
        expect(running.length).toBeLessThanOrEqual(most)
        const last = running.length === most ? running.at(-1) : highest
        expect([highest, Math.min(...running)]).toContain(last)
        for (const lower of priorities) {
          const hanging: number[] = []
          for (let i = 0; i < 20; i++) if (mayBegin(lower, { most, running: hanging, priorities })) hanging.push(lower)
          expect(hanging.length).toBe(lower === highest ? most : Math.max(1, most - 1))
          const higher = [...priorities].filter((other) => other < lower && most > 1)
          expect(higher.every((other) => mayBegin(other, { most, running: hanging, priorities }))).toBe(true)
        }
      }),
    )
  })

  test('are not kept for each priority that there may be; a table whose inserts hang has one after the first of them', async () => {
    const [shelf, clock, hanging] = [new Shelf(), new ManualClock(), gate()]
    const priorities = { payments: 1, telemetry: 2, events: 3, store: 5, background: 10 }
    const tables = Object.fromEntries(Object.entries(priorities).map(([name, own]) => [name, { ...one, priority: own }]))
    await using sink = createBulkSink({
      driver: shelf.driver,
      clock,
      environment: {},
      logger: silentLogger,
      tables,
      insertTimeoutMs: 10_000,
    })
    shelf.before = ({ table }) => (table === 'store' ? hanging.opened : undefined)
    for (const id of numbers(20)) await sink.write('store', { id })
    await settled()
    expect(shelf.inserts).toHaveLength(3)
    await clock.advance(12_000, settled)
    expect(shelf.inserts.filter(({ signal }) => !signal.aborted).length).toBeLessThanOrEqual(1)
    for (const id of numbers(5)) await sink.write('background', { id })
    await settled()
    expect(shelf.ids('background')).toEqual(numbers(5))
    hanging.open()
    await clock.advance(20_000, settled)
  })

  test('are kept for a priority that rows have of their own for a minute after the last of them', async () => {
    const [shelf, clock, hanging] = [new Shelf(), new ManualClock(), gate()]
    await using sink = createBulkSink({
      driver: shelf.driver,
      clock,
      environment: {},
      logger: silentLogger,
      tables: { t: { ...one, priority: 3 } },
    })
    await sink.write('t', { id: 0 }, { priority: 1 })
    await sink.flush()
    shelf.before = () => hanging.opened
    for (const id of numbers(5)) await sink.write('t', { id })
    await settled()
    expect(shelf.inserts).toHaveLength(1 + 3)
    await clock.advance(29_000, settled)
    hanging.open()
    await clock.advance(32_000, settled)
    const [before, again] = [shelf.inserts.length, gate()]
    shelf.before = () => again.opened
    for (const id of numbers(5)) await sink.write('t', { id })
    await settled()
    expect(shelf.inserts).toHaveLength(before + 4)
    again.open()
  })

  test('are not all taken by inserts of low priority that hang: high priority goes on', async () => {
    const [shelf, clock] = [new Shelf(), new ManualClock()]
    const tables = {
      high: { strategy: 'immediate', priority: 1, batchSize: 1 },
      low: { strategy: 'immediate', priority: 3, batchSize: 1 },
    } as const
    await using sink = createBulkSink({ driver: shelf.driver, clock, environment: {}, logger: silentLogger, tables, closeTimeoutMs: 0 })
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
    ...{ driver: shelf.driver, clock, environment: {}, logger: silentLogger, closeTimeoutMs: 1_000 },
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
    ...{ driver: shelf.driver, clock, environment: {}, logger: silentLogger, closeTimeoutMs: 0 },
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
