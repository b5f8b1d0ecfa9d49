import { ManualClock } from '@millrace/core'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { resolveSink } from '../src/config/resolve-sink.ts'
import { bulkRows, createBulkSink } from '../src/index.ts'
import { numbers, settled, Shelf } from './support/shelf.ts'

const { driver } = new Shelf()

test('presets and defaults are those that are documented', () => {
  const presets = ['events', 'payments', 'triage', 'telemetry', 'event-store', 'background'] as const
  const tables = Object.fromEntries(presets.map((preset) => [preset, { preset }]))
  const { settings } = resolveSink({ driver, environment: {}, tables })
  const { tables: resolved, ...rest } = settings
  expect(rest).toEqual({
    ...{ enabled: true, adaptiveOptimization: false, defaultBatchSize: 1_000, defaultBatchTimeMs: 2_000, maxMemoryMb: 50 },
    ...{ maxConcurrentInserts: 4, directFallback: true, insertTimeoutMs: 30_000, closeTimeoutMs: 30_000 },
  })
  expect(resolved.get('events')).toMatchObject({
    ...{
      strategy: 'hybrid',
      batchSize: 1_000,
      batchTimeMs: 2_000,
      batchBytes: 10_485_760,
      priority: 3,
      compression: true,
      maxMemoryMb: 10,
    },
  })
  expect(resolved.get('payments')).toMatchObject({ strategy: 'immediate', priority: 1, retries: 5 })
  expect(resolved.get('triage')).toMatchObject({ strategy: 'immediate', priority: 1 })
  expect(resolved.get('telemetry')).toMatchObject({ strategy: 'time', batchSize: 100, batchTimeMs: 5_000, priority: 2 })
  expect(resolved.get('event-store')).toMatchObject({ strategy: 'hybrid', batchSize: 500, batchTimeMs: 3_000, compression: true })
  expect(resolved.get('background')).toMatchObject({ strategy: 'size', batchSize: 1_000, maxWaitMs: 30_000, priority: 10 })
})

test.each([
  ['BULK_SINK_ENABLED', 'false', { enabled: false }],
  ['BULK_SINK_ADAPTIVE_OPTIMIZATION', 'true', { adaptiveOptimization: true }],
  ['BULK_SINK_DEFAULT_BATCH_SIZE', '11', { defaultBatchSize: 11 }],
  ['BULK_SINK_DEFAULT_BATCH_TIME_MS', '12', { defaultBatchTimeMs: 12 }],
  ['BULK_SINK_MAX_MEMORY_MB', '13', { maxMemoryMb: 13 }],
  ['BULK_SINK_MAX_CONCURRENT_INSERTS', '14', { maxConcurrentInserts: 14 }],
  ['BULK_SINK_DIRECT_FALLBACK', 'false', { directFallback: false }],
  ['BULK_SINK_INSERT_TIMEOUT_MS', '15', { insertTimeoutMs: 15 }],
  ['BULK_SINK_CLOSE_TIMEOUT_MS', '16', { closeTimeoutMs: 16 }],
])('%s=%s is that setting, and no other', (name, value, changed) => {
  const tables = { t: {} }
  const { tables: _, ...without } = resolveSink({ driver, environment: {}, tables }).settings
  const { tables: __, ...settings } = resolveSink({ driver, environment: { [name]: value }, tables }).settings
  expect(settings).toEqual({ ...without, ...changed })
})

test.each(['yaml', 'json'])('what code does not say is taken from the environment, else from a file: %s', async (kind) => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-sink-'))
  try {
    const configFile = join(folder, `sink.${kind}`)
    const settings = {
      defaultBatchSize: 7,
      defaultBatchTimeMs: 70,
      maxMemoryMb: 700,
      tables: { a: { priority: 2 }, b: { preset: 'payments' } },
    }
    const yaml =
      'defaultBatchSize: 7\ndefaultBatchTimeMs: 70\nmaxMemoryMb: 700\ntables:\n  a: { priority: 2 }\n  b:\n    preset: payments\n'
    await writeFile(configFile, kind === 'json' ? JSON.stringify(settings) : yaml)
    const environment = { BULK_SINK_DEFAULT_BATCH_TIME_MS: '80', BULK_SINK_MAX_MEMORY_MB: '800', BULK_SINK_DIRECT_FALLBACK: 'false' }
    const resolved = resolveSink({ driver, configFile, environment, maxMemoryMb: 900, tables: { a: { retries: 9 } } }).settings
    expect(resolved).toMatchObject({ defaultBatchSize: 7, defaultBatchTimeMs: 80, maxMemoryMb: 900, directFallback: false })
    expect(resolved.tables.get('a')).toMatchObject({ priority: 2, retries: 9, batchSize: 7 })
    expect(resolved.tables.get('b')).toMatchObject({ priority: 1, retries: 5 })
    await writeFile(configFile, kind === 'json' ? '{' : 'a: [')
    expect(() => resolveSink({ driver, configFile, tables: { a: {} } })).toThrow(configFile)
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('every problem is in one error', () => {
  const environment = { BULK_SINK_DEFAULT_BATCH_SIZE: 'many', BULK_SINK_ENABLED: 'yes' }
  const tables = { t: { preset: 'event', strategy: 'sometimes', batchSize: 0, id: [], statement: '', colour: 1 } } as object
  const options = { driver, environment, maxMemoryMb: 0.5, directFallback: 1, insertTimeout: 5, retry: { factor: 0 }, tables } as unknown
  let message = ''
  try {
    createBulkSink(options as Parameters<typeof createBulkSink>[0])
  } catch (error) {
    message = (error as Error).message
  }
  for (const part of [
    ...['insertTimeout is no option; use insertTimeoutMs', 'maxMemoryMb is 0.5', 'directFallback is 1', 'sink.retry.factor is 0'],
    ...['BULK_SINK_DEFAULT_BATCH_SIZE is ', 'BULK_SINK_ENABLED is ', 'tables.t.preset is ', 'tables.t.strategy is '],
    ...['tables.t.batchSize is 0', 'tables.t.id is ', 'tables.t.statement is ', 'tables.t.colour is no option'],
  ])
    expect(message).toContain(part)
  expect(() => createBulkSink({ driver, environment: {}, tables: {} })).toThrow('tables names no table')
  expect(() => bulkRows({ driver, environment: {}, tables: { t: {} }, rows: 1, chunkSize: 0 } as never)).toThrow(
    /rows is 1[\s\S]*chunkSize is 0/,
  )
})

test('GET /metrics answers with what was done, as JSON', async () => {
  const [shelf, clock] = [new Shelf(), new ManualClock(1_700_000_000_000)]
  await using sink = createBulkSink({ driver: shelf.driver, clock, environment: {}, tables: { t: { batchSize: 10, batchTimeMs: 500 } } })
  await using server = await sink.serveMetrics()
  const read = async (): Promise<unknown> => (await fetch(server.url)).json()
  expect(await read()).toMatchObject({
    batching: {
      enabled: true,
      total_batches: 0,
      total_items: 0,
      failed_batches: 0,
      avg_batch_size: 0,
      queued_items: 0,
      last_flush_time: null,
    },
    calculated: { batch_success_rate: 1, avg_items_per_batch: 0, events_per_second: 0 },
  })
  for (const id of numbers(15)) await sink.write('t', { id })
  await settled()
  expect(await read()).toMatchObject({ batching: { queued_items: 5 }, flush_type: 'size-based', batch_size: 10, flush_interval_ms: null })
  await clock.advance(500, settled)
  await clock.advance(500)
  expect(await read()).toEqual({
    batching: {
      ...{
        enabled: true,
        total_batches: 2,
        total_items: 15,
        failed_batches: 0,
        avg_batch_size: 7.5,
        avg_flush_latency_ms: 0,
        queued_items: 0,
      },
      ...{ memory_usage_mb: 0, last_flush_time: '2023-11-14T22:13:20.500Z' },
    },
    calculated: { batch_success_rate: 1, avg_items_per_batch: 7.5, events_per_second: 15 },
    ...{ batch_size: 5, flush_type: 'time-based', flush_interval_ms: 500, flush_types: { 'size-based': 1, 'time-based': 1 } },
    ...{ total_events_inserted: 15, rejected_events: 0, post_process_errors: 0, retry_attempt: 0, inserts: 2, open_circuits: [] },
    ...{ inserted_bytes: 15 * 16, avg_event_latency_ms: (5 * 500) / 15 },
  })
  await sink.write('t', { id: 15 })
  await sink.close()
  expect(await read()).toMatchObject({ batch_size: 1, flush_type: 'shutdown', total_events_inserted: 16 })
  const [other, posted] = [await fetch(server.url.replace('metrics', 'other')), await fetch(server.url, { method: 'POST' })]
  expect([other.status, posted.status]).toEqual([404, 405])
})

test('GET of anything else, and of a sink that has not begun, is answered with an error', async () => {
  const rows = bulkRows({ driver: new Shelf().driver, environment: {}, tables: { t: {} }, rows: () => [] })
  await using server = await rows.serveMetrics()
  const statusOf = async (path: string) => (await fetch(new URL(path, server.url))).status
  expect(await statusOf('/metrics')).toBe(503)
  expect((await fetch(`${new URL('/', server.url).href}/`)).status).toBe(404)
  expect(await statusOf('/other')).toBe(404)
})
