import { randomBytes } from 'node:crypto'
import { silentLogger } from 'millrace'
import { createBulkSink } from 'millrace/bulk-sink'
import { expect, inject, test } from 'vitest'
import { countingProxy } from '../tools/databases/counting-proxy.mjs'
import { type SinkKind, sinkKinds } from './support/sink-kinds.ts'

const ROWS = 2_000
/** As repetitive as events are. */
const text = JSON.stringify({
  type: 'page.viewed',
  path: '/products/shoes',
  referrer: 'https://shop.example/search?q=shoes',
  agent: 'Firefox',
})
const urls: Readonly<Record<string, string>> = { PostgreSQL: inject('postgresUrl'), ClickHouse: inject('clickhouseUrl') }

/** Bytes that were sent for the rows, which are all there afterwards. */
async function bytesFor({ name, driver, create, ids }: SinkKind, compression: boolean): Promise<number> {
  const server = urls[name] as string
  const table = `t_${randomBytes(6).toString('hex')}`
  await create(server, table)
  await using proxy = await countingProxy(server)
  const sink = createBulkSink({
    driver: driver(proxy.url),
    logger: silentLogger,
    tables: { [table]: { batchSize: 500, compression, id: 'id' } },
  })
  for (let id = 0; id < ROWS; id++) await sink.write(table, { id, text })
  expect(await sink.close()).toEqual({ stored: ROWS, rejected: 0, left: 0 })
  expect(await ids(server, table)).toHaveLength(ROWS)
  return proxy.sentBytes()
}

test.each(sinkKinds)('what is sent to $name with and without compression', async (kind) => {
  const [plain, compressed] = [await bytesFor(kind, false), await bytesFor(kind, true)]
  expect(plain).toBeGreaterThan(ROWS * text.length)
  // PostgreSQL's protocol knows none.
  const most = kind.name === 'ClickHouse' ? plain / 5 : plain * 1.01
  expect(compressed).toBeLessThan(most)
  expect(compressed > plain * 0.99).toBe(kind.name === 'PostgreSQL')
})
