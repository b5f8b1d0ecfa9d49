import { randomBytes } from 'node:crypto'
import { createClient } from '@clickhouse/client'
import { serdes } from 'millrace'
import { memory } from 'millrace/memory'
import { expect, inject, test } from 'vitest'
import { LogClient } from '../../../tests/support/log-client.ts'
import { run } from '../src/main.ts'

test('every event is in the tables of its kind once, and the metrics say so; the one that can not be stored is a dead letter with the reason', async () => {
  const database = `shop_${randomBytes(4).toString('hex')}`
  const client = createClient({ url: inject('clickhouseUrl') })
  await client.command({ query: `CREATE DATABASE ${database}` })
  await client.close()
  const url = new URL(inject('clickhouseUrl'))
  url.pathname = `/${database}`
  const transport = memory()
  await using log = await LogClient.open(transport)
  const lines: string[] = []
  const options = {
    clickhouse: url.href,
    brokers: undefined,
    transport,
    events: 3_000,
    metricsPort: undefined,
    say: (line: string) => void lines.push(line),
  }
  expect(await run(options)).toEqual({ pages: 2_700, payments: 300, readings: 300 })
  const [refusal, metrics, ...counts] = lines
  expect(refusal).toMatch(/^shop-dead-letters: .+: Column 'at' of table 'readings': the date is invalid/)
  expect(JSON.parse((metrics ?? '').replace(/^\S+ /, ''))).toMatchObject({
    ...{ batching: { queued_items: 0, total_items: 3_300 }, total_events_inserted: 3_300, rejected_events: 1 },
  })
  expect(counts).toEqual(['pages: 2700 rows', 'payments: 300 rows', 'readings: 300 rows'])
  const [letter, ...more] = await log.readAll('shop-dead-letters', { key: serdes.nullable(serdes.string), value: serdes.json<unknown>() })
  expect(letter?.value).toMatchObject({ table: 'readings', row: { id: 'broken', device: 'device-7' } })
  const headers = Object.fromEntries(letter?.headers.map(({ key, value }) => [key, Buffer.from(value ?? []).toString()]) ?? [])
  expect(headers).toMatchObject({
    ...{ '__streams.errors.topic': 'shop-events', '__streams.errors.message': expect.stringContaining('the date is invalid') as unknown },
  })
  expect(more).toEqual([])
})
