import { defineApp, serdes, silentLogger, start, type StreamRecord, TopologyBuilder } from 'millrace'
import { bulkRows, type BulkRowsOptions } from 'millrace/bulk-sink'
import { memory } from 'millrace/memory'
import { postgres } from 'millrace/postgres'
import { expect, inject, test } from 'vitest'
import { LogClient } from './support/log-client.ts'
import { openTables } from './support/postgres-tables.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const url = inject('postgresUrl')
const pair = { key: serdes.string, value: serdes.int32 }
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)

test('offsets of a sink that gathers rows wait for all rows of their records; other paths are committed meanwhile, and the rest when it ends', async () => {
  await using folder = await temporaryFolder()
  await using tables = await openTables(url)
  const transport = memory()
  await using log = await LogClient.open(transport)
  await log.createTopics({ events: 2, other: 1, copies: 1 })
  // Without keys: a row that is stored twice is there twice.
  const [events, bills] = [await tables.create('id int, part int'), await tables.create('id int')]
  const builder = new TopologyBuilder('two-paths')
  let failures = 2
  const sink = bulkRows({
    driver: postgres({ url }),
    tables: { [events]: { strategy: 'size', batchSize: 100 }, [bills]: { strategy: 'size', batchSize: 1_000, maxWaitMs: 3_600_000 } },
    rows: ({ value, partition }: StreamRecord<string, number>) => [
      { table: events, row: { id: value, part: partition } },
      ...(value % 10 === 0 ? [{ table: bills, row: { id: value } }] : []),
    ],
  })
  const stream = builder.source('events', { topics: ['events'], ...pair })
  stream.sinkOutside('rows', sink)
  stream.process('fails', ({ value }) => {
    // After the sink has been given the batch: it is processed again.
    if (value === 150 && failures-- > 0) throw new Error('not now')
  })
  builder.source('other', { topics: ['other'], ...pair }).sink('copies', { topic: 'copies', ...pair })
  const app = await start(
    defineApp({
      ...{ topology: builder.build(), applicationId: 'paths', transport, stateDir: folder.path, logger: silentLogger },
      ...{ batch: { size: 50, timeoutMs: 10 }, commit: { intervalMs: 20 }, failure: { retry: { initialDelayMs: 1 } } },
    }),
  )
  const running = app.run()
  // Of partition 0 the fifth record has a bill; of partition 1 none has.
  await log.write('events', pair, [
    ...numbers(200).map((i) => ({ key: 'k', value: i === 4 ? 1_000 : 1 + 10 * Math.floor(i / 9) + (i % 9), partition: 0 })),
    ...numbers(100).map((i) => ({ key: 'k', value: 5_001 + 10 * i, partition: 1 })),
  ])
  await log.write(
    'other',
    pair,
    numbers(10).map((value) => ({ key: 'k', value })),
  )
  await expect.poll(() => log.committed('paths', 'other')).toEqual([10])
  await expect.poll(() => log.committed('paths', 'events')).toEqual([4, 100])
  expect(await tables.rows(`select count(*)::int as n from ${bills}`)).toEqual([{ n: 0 }])
  await app.close()
  await running
  expect(await log.committed('paths', 'events')).toEqual([200, 100])
  expect(await tables.ids(bills)).toEqual([1_000])
  const expected = (await log.readAll('events', pair)).map(({ value }) => value).sort((a, b) => a - b)
  expect(await tables.ids(events)).toEqual(expected)
  expect(sink.metrics()).toMatchObject({ batching: { queued_items: 0, total_items: 301 }, total_events_inserted: 301 })
})

test('a row that the database refuses becomes a dead letter with its reason, and no other row does', async () => {
  await using folder = await temporaryFolder()
  await using tables = await openTables(url)
  const transport = memory()
  await using log = await LogClient.open(transport)
  await log.createTopics({ events: 1, dead: 1 })
  const table = await tables.create('id int primary key, small smallint')
  const builder = new TopologyBuilder('one-bad')
  const options: BulkRowsOptions<string, number> = {
    driver: postgres({ url }),
    tables: { [table]: { preset: 'events', batchTimeMs: 20, id: 'id' } },
    rows: ({ value }) => {
      if (value === 600) throw new Error('no row for 600')
      return { table, row: { id: value, small: value === 417 ? 70_000 : 1 } }
    },
  }
  builder.source('events', { topics: ['events'], ...pair }).sinkOutside('rows', bulkRows(options))
  const app = await start(
    defineApp({
      ...{ topology: builder.build(), applicationId: 'one-bad', transport, stateDir: folder.path, logger: silentLogger },
      failure: { produce: 'dead-letter', deadLetter: { topic: 'dead' } },
    }),
  )
  const running = app.run()
  await log.write(
    'events',
    pair,
    numbers(1_000).map((value) => ({ key: 'k', value })),
  )
  await app.caughtUp()
  await app.close()
  await running
  expect(await tables.ids(table)).toEqual(numbers(1_000).filter((id) => id !== 417 && id !== 600))
  const dead = await log.readAll('dead', { key: serdes.nullable(serdes.bytes), value: serdes.bytes })
  const letters = dead.map(({ value, headers }) => [
    new TextDecoder().decode(value),
    headers.map((header) => `${header.key}=${new TextDecoder().decode(header.value ?? new Uint8Array())}`).join('\n'),
  ])
  expect(letters).toHaveLength(2)
  const row = letters.find(([value]) => value?.startsWith('{'))
  expect(JSON.parse(row?.[0] ?? '')).toEqual({ table, row: { id: 417, small: 70_000 } })
  expect(row?.[1]).toContain('value "70000" is out of range for type smallint')
  expect(row?.[1]).toContain('417')
  expect(letters.find((letter) => letter !== row)?.[1]).toContain('no row for 600')
})
