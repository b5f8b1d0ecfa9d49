import { defineApp, serdes, silentLogger, start, type StreamRecord, TopologyBuilder } from 'millrace'
import { bulkRows } from 'millrace/bulk-sink'
import { clickhouse } from 'millrace/clickhouse'
import { memory, type MemoryTransport } from 'millrace/memory'
import { randomBytes } from 'node:crypto'
import { expect, inject, test } from 'vitest'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const url = inject('clickhouseUrl')
const pair = { key: serdes.string, value: serdes.int32 }
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)
const ask = async (query: string) => {
  const answer = await fetch(url, { method: 'POST', body: query })
  const text = (await answer.text()).trim()
  if (!answer.ok) throw new Error(text)
  return text
}
const version = await ask('SELECT version()')
const [major = 0, minor = 0] = version.split('.').map(Number)
const knowsTokens = major > 22 || (major === 22 && minor >= 2)

/** An application that stores each number once, in chunks of 100 offsets. */
function startApp(transport: MemoryTransport, table: string, stateDir: string) {
  const builder = new TopologyBuilder('once')
  const rows = bulkRows({
    driver: clickhouse({ url }),
    tables: { [table]: {} },
    rows: ({ value }: StreamRecord<string, number>) => ({ table, row: { id: value === 417 ? 'bad' : value } }),
    retry: { initialDelayMs: 1 },
    exactlyOnce: true,
    chunkSize: 100,
  })
  builder.source('events', { topics: ['events'], ...pair }).sinkOutside('rows', rows)
  const failure = { produce: 'dead-letter', deadLetter: { topic: 'dead' } } as const
  const definition = { topology: builder.build(), applicationId: table, transport, stateDir, logger: silentLogger, failure }
  return start(defineApp({ ...definition, batch: { size: 70, timeoutMs: 5 }, commit: { intervalMs: 10 } }))
}

/** On a server with tokens: commits of the log fail after their chunks were stored, at last so that the application ends, and is started again. */
async function storesOnce(): Promise<void> {
  await using folder = await temporaryFolder()
  let left = 3
  let isClosing = false
  const transport = memory({
    faults: {
      before: (operation) => {
        const moves = operation.type === 'commit' && operation.offsets.some(({ offset }) => offset > 0)
        if (moves && (isClosing || (left > 0 && left-- % 2 === 1))) throw new Error('the commit of the log fails')
      },
    },
  })
  await using log = await LogClient.open(transport)
  await log.createTopics({ events: 1, dead: 1 })
  const table = `t_${randomBytes(6).toString('hex')}`
  // Without a key: a row that is stored twice is there twice.
  await ask(`CREATE TABLE ${table} (id UInt32) ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 10000`)
  const write = (values: readonly number[]) =>
    log.write(
      'events',
      pair,
      values.map((value) => ({ key: 'k', value })),
    )
  const app = await startApp(transport, table, folder.path)
  const running = app.run().catch(() => undefined)
  await write(numbers(500))
  await app.caughtUp()
  isClosing = true
  await write(numbers(1_000).slice(500))
  await expect.poll(async () => Number(await ask(`SELECT max(id) FROM ${table}`))).toBeGreaterThanOrEqual(599)
  await app.close().catch(() => undefined)
  await running
  isClosing = false
  const again = await startApp(transport, table, folder.path)
  const runningAgain = again.run()
  await again.caughtUp()
  await again.close()
  await runningAgain
  const ids = (await ask(`SELECT id FROM ${table} ORDER BY id FORMAT TSV`)).split('\n').map(Number)
  expect(ids).toEqual(numbers(1_000).filter((id) => id !== 417))
}

/** On one without: nothing is begun that could not be kept. */
async function refusesToStart(): Promise<void> {
  await using folder = await temporaryFolder()
  const transport = memory()
  await using log = await LogClient.open(transport)
  await log.createTopics({ events: 1, dead: 1 })
  const table = `t_${randomBytes(6).toString('hex')}`
  await ask(`CREATE TABLE ${table} (id UInt32) ENGINE = MergeTree() ORDER BY id`)
  const app = await startApp(transport, table, folder.path)
  await expect(app.run()).rejects.toThrow(`version ${version} knows no de-duplication tokens; 22.2 is the first that does`)
  await app.close().catch(() => undefined)
  expect(await ask(`SELECT count() FROM ${table}`)).toBe('0')
}

// Which of the two was seen is in the test's name: it says what the server that there is can do.
const [can, seen] = knowsTokens
  ? [
      'drops repeated tokens: each row is there once, whatever commits fail, over a restart too, and the one at fault alone is missing',
      storesOnce,
    ]
  : ['knows no tokens: exactly once is refused at the start, by its version, and nothing is stored', refusesToStart]
test(`ClickHouse ${version} ${can}`, seen)
