import { randomBytes } from 'node:crypto'
import { createClient } from '@clickhouse/client'
import { expect, inject, test } from 'vitest'
import { run } from '../src/main.ts'

test('every event is in the tables of its kind once, and the metrics say so', async () => {
  const database = `shop_${randomBytes(4).toString('hex')}`
  const client = createClient({ url: inject('clickhouseUrl') })
  await client.command({ query: `CREATE DATABASE ${database}` })
  await client.close()
  const url = new URL(inject('clickhouseUrl'))
  url.pathname = `/${database}`
  const lines: string[] = []
  const options = {
    clickhouse: url.href,
    brokers: undefined,
    events: 3_000,
    metricsPort: undefined,
    say: (line: string) => void lines.push(line),
  }
  expect(await run(options)).toEqual({ pages: 2_700, payments: 300, readings: 300 })
  const metrics = JSON.parse((lines[0] ?? '').replace(/^\S+ /, '')) as unknown
  expect(metrics).toMatchObject({ batching: { queued_items: 0, total_items: 3_300 }, total_events_inserted: 3_300 })
  expect(lines.slice(1)).toEqual(['pages: 2700 rows', 'payments: 300 rows', 'readings: 300 rows'])
})
