import { ManualClock, silentLogger } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { createBulkSink, type Row, type TableOptions } from '../src/index.ts'
import { numbers, settled, Shelf } from './support/shelf.ts'

function sinkOf(shelf: Shelf, clock: ManualClock, table: TableOptions) {
  return createBulkSink({ driver: shelf.driver, clock, environment: {}, logger: silentLogger, closeTimeoutMs: 0, tables: { t: table } })
}

describe('a table is inserted', () => {
  test.each<[string, TableOptions, { rows: number; sizes: number[]; afterMs: number; later: number[]; type: string }]>([
    ['immediate: what is there, at once', { strategy: 'immediate' }, { rows: 3, sizes: [3], afterMs: 0, later: [3], type: 'immediate' }],
    [
      'by size, and what is left after the longest wait',
      { strategy: 'size', batchSize: 2, maxWaitMs: 500 },
      { rows: 5, sizes: [2, 2], afterMs: 500, later: [2, 2, 1], type: 'time-based' },
    ],
    ['by time', { preset: 'telemetry' }, { rows: 3, sizes: [], afterMs: 5_000, later: [3], type: 'time-based' }],
    [
      'by bytes',
      { strategy: 'bytes', batchBytes: 60, maxWaitMs: 100 },
      { rows: 5, sizes: [2, 2], afterMs: 100, later: [2, 2, 1], type: 'time-based' },
    ],
    [
      'hybrid, by what comes first',
      { strategy: 'hybrid', batchSize: 4, batchTimeMs: 50 },
      { rows: 6, sizes: [4], afterMs: 50, later: [4, 2], type: 'time-based' },
    ],
    ['not in batches when it is off', { enabled: false }, { rows: 3, sizes: [1, 1, 1], afterMs: 0, later: [1, 1, 1], type: 'immediate' }],
  ])('%s', async (_, options, { rows, sizes, afterMs, later, type }) => {
    const [shelf, clock] = [new Shelf(), new ManualClock(1_000)]
    await using sink = sinkOf(shelf, clock, options)
    for (const id of numbers(rows)) await sink.write('t', { id, text: 'xx' })
    await settled()
    expect(shelf.sizes).toEqual(sizes)
    await clock.advance(afterMs, settled)
    await settled()
    expect(shelf.sizes).toEqual(later)
    expect(shelf.ids('t')).toEqual(numbers(rows))
    expect(sink.metrics().flush_type).toBe(type)
  })

  test('by memory, when half of what it may take is taken', async () => {
    const [shelf, clock] = [new Shelf(), new ManualClock()]
    await using sink = sinkOf(shelf, clock, { strategy: 'memory', maxMemoryMb: 1 })
    for (const id of numbers(6)) await sink.write('t', { id, text: 'x'.repeat(100_000) })
    await settled()
    expect(shelf.sizes).toEqual([5])
    expect(sink.metrics().flush_type).toBe('memory-based')
  })

  test('by a size that grows while inserts take less than the target', async () => {
    const [shelf, clock] = [new Shelf(), new ManualClock()]
    await using sink = sinkOf(shelf, clock, { strategy: 'adaptive', batchSize: 1_000, targetLatencyMs: 100, batchTimeMs: 60_000 })
    shelf.before = () => clock.advance(1)
    for (const id of numbers(3_000)) {
      await sink.write('t', { id })
      if (id % 100 === 99) await settled()
    }
    await settled()
    const { sizes } = shelf
    expect(sizes[0]).toBe(1)
    expect(Math.max(...sizes)).toBeGreaterThan(32)
    await sink.flush()
    expect(shelf.ids('t')).toEqual(numbers(3_000))
  })
})

test('what comes after an insert is no part of how long that took: sizes adapt to inserts, and metrics tell of them', async () => {
  const [shelf, clock] = [new Shelf(), new ManualClock()]
  await using sink = createBulkSink({
    ...{ driver: shelf.driver, clock, environment: {}, logger: silentLogger, closeTimeoutMs: 0 },
    tables: { t: { strategy: 'adaptive', batchSize: 1_000, targetLatencyMs: 100, batchTimeMs: 60_000 } },
    maxConcurrentInserts: 1,
    afterInsert: () => clock.advance(1_000),
  })
  shelf.before = () => clock.advance(1)
  for (const id of numbers(3_000)) {
    await sink.write('t', { id })
    if (id % 100 === 99) await settled()
  }
  await sink.flush()
  expect(Math.max(...shelf.sizes)).toBeGreaterThan(32)
  await sink.write('t', { id: 3_000 })
  const { total_batches: before, avg_flush_latency_ms: average } = sink.metrics().batching
  await sink.flush()
  const { total_batches: batches, avg_flush_latency_ms: now } = sink.metrics().batching
  expect(now * batches - average * before).toBeLessThan(1_000)
})

test('rows are inserted while whoever writes them goes on without waiting for anything', async () => {
  const [shelf, clock] = [new Shelf(), new ManualClock()]
  await using sink = sinkOf(shelf, clock, { strategy: 'size', batchSize: 100 })
  for (const id of numbers(5_000)) await sink.write('t', { id })
  expect(shelf.ids('t').length).toBeGreaterThan(1_000)
  await sink.flush()
  expect(shelf.ids('t')).toHaveLength(5_000)
})

test('what is no row is refused when it is written, and holds up no other', async () => {
  const [shelf, clock] = [new Shelf(), new ManualClock()]
  await using sink = sinkOf(shelf, clock, { strategy: 'immediate' })
  for (const row of [null, undefined, 'text'])
    await expect(sink.write('t', row as unknown as Row)).rejects.toThrow(
      /^A row for table 't' is .+; use an object with a value for each column\.$/,
    )
  await sink.write('t', { id: 1 })
  await sink.flush()
  expect(shelf.inserts.map(({ rows }) => rows)).toEqual([[{ id: 1 }]])
})

test('settings that change at run time hold from the next batch on; wrong ones change nothing', async () => {
  const [shelf, clock] = [new Shelf(), new ManualClock()]
  await using sink = sinkOf(shelf, clock, { strategy: 'size', batchSize: 100 })
  for (const id of numbers(10)) await sink.write('t', { id })
  expect(() => sink.updateConfig({ maxMemoryMb: 0, tables: { t: { batchSize: 4, priority: 11 } } })).toThrow(
    /maxMemoryMb is 0[\s\S]*tables\.t\.priority is 11/,
  )
  await settled()
  expect(shelf.sizes).toEqual([])
  sink.updateConfig({ tables: { t: { batchSize: 4 } } })
  await settled()
  expect(shelf.sizes).toEqual([4, 4])
})

test('high priority goes first under load, and low priority is not starved', async () => {
  const [shelf, clock] = [new Shelf(), new ManualClock()]
  const tables = {
    high: { strategy: 'immediate', priority: 1, batchSize: 1 },
    low: { strategy: 'immediate', priority: 3, batchSize: 1 },
  } as const
  await using sink = createBulkSink({
    driver: shelf.driver,
    clock,
    environment: {},
    logger: silentLogger,
    tables,
    maxConcurrentInserts: 1,
    closeTimeoutMs: 0,
  })
  let ahead = 100
  shelf.before = async () => {
    await clock.advance(100)
    // More of the high one comes all the time.
    if (ahead-- > 0) sink.write('high', { id: -ahead }).catch(() => undefined)
  }
  for (const id of numbers(3)) await sink.write('low', { id })
  for (const id of numbers(3)) await sink.write('high', { id })
  await sink.write('low', { id: 'urgent' }, { priority: 1 })
  await sink.flush()
  const order = shelf.inserts.map(({ table, rows }) => (rows[0]?.['id'] === 'urgent' ? 'urgent' : table))
  expect(order[0]).toBe('high')
  expect(order.indexOf('urgent')).toBeLessThan(order.indexOf('low'))
  // After 2 s of waiting it is as urgent as what is two priorities higher.
  expect(order.indexOf('low')).toBeGreaterThan(5)
  expect(order.indexOf('low')).toBeLessThan(40)
  await expect(sink.write('low', { id: 1 }, { priority: 0 })).rejects.toThrow('priority is 0')
  await expect(sink.write('lwo', { id: 1 })).rejects.toThrow("Table 'lwo' is not one of the sink's: high, low")
})
