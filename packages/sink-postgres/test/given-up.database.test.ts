import { createBulkSink, type RefusedRow } from '@millrace/bulk-sink'
import { silentLogger } from '@millrace/core'
import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { postgres } from '../src/index.ts'
import { lateNetwork } from './support/late-network.ts'
import { Database, numbers } from './support/table.ts'

const url = inject('postgresUrl')
let database: Database

beforeAll(async () => {
  database = await Database.connect(url)
})
afterAll(() => database[Symbol.asyncDispose]())

/** An address whose connections are told from others, and how many of their statements wait for a lock. */
function named(): { readonly own: string; readonly waiting: () => Promise<unknown> } {
  const name = `t_${randomUUID()}`
  const own = new URL(url)
  own.searchParams.set('application_name', name)
  const count = `select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock' and application_name = '${name}'`
  return { own: own.href, waiting: async () => (await database.run(count))[0]?.['n'] }
}

test('there are as many inserts at once as the sink may have; those that take too long are ended on the server, too', async () => {
  const table = await database.table('id int primary key')
  const { own, waiting } = named()
  const sink = createBulkSink({
    logger: silentLogger,
    ...{ driver: postgres({ url: own }), maxConcurrentInserts: 14, insertTimeoutMs: 5_000, closeTimeoutMs: 0 },
    tables: { [table]: { strategy: 'immediate', batchSize: 1, id: 'id' } },
    retry: { initialDelayMs: 1, maxDelayMs: 1 },
    circuitBreaker: { threshold: 1, minimum: 1_000, window: 1_000 },
  })
  await sink.write(table, { id: -1 })
  await sink.flush()
  await using locking = await Database.connect(url)
  await locking.run(`begin; lock table ${table} in exclusive mode`)
  for (const id of numbers(20)) await sink.write(table, { id })
  await expect.poll(waiting, { timeout: 60_000 }).toBe(14)
  // Each has been given up at least once, and tried again.
  await expect.poll(() => sink.metrics().batching.failed_batches, { timeout: 60_000 }).toBeGreaterThan(14)
  await sink.close()
  await expect.poll(waiting, { timeout: 60_000 }).toBe(0)
  await locking.run('rollback')
  expect(await database.ids(table)).toEqual([-1])
})

test('becoming the owner of a partition is given up, and ended on the server, when nobody waits for it', async () => {
  const { own: address, waiting } = named()
  const own = postgres({ url: address })()
  const owner = { applicationId: `app-${randomUUID()}`, node: 'rows', owner: 'one' }
  const partitions = [{ topic: 't', partition: 0 }]
  const never = new AbortController().signal
  expect(await own.transactions?.claim(owner, partitions, never)).toEqual([{ topic: 't', partition: 0, offset: undefined }])
  await using locking = await Database.connect(url)
  await locking.run(`begin; select from millrace_offsets where application = '${owner.applicationId}' for update`)
  const taken = new AbortController()
  const claiming = own.transactions?.claim({ ...owner, owner: 'two' }, partitions, taken.signal)
  const outcome = claiming?.then(
    () => 'claimed',
    () => 'given up',
  )
  await expect.poll(waiting, { timeout: 60_000 }).toBe(1)
  taken.abort()
  expect(await outcome).toBe('given up')
  await expect.poll(waiting, { timeout: 60_000 }).toBe(0)
  await locking.run('rollback')
  expect(await database.run(`select owner from millrace_offsets where application = '${owner.applicationId}'`)).toEqual([{ owner: 'one' }])
  await own.close()
})

test('a statement that updates and whose insert was given up, for a lock or on its way, never overwrites what was written since', async () => {
  const table = await database.table('id int primary key, a text')
  await using network = await lateNetwork(url, 'given up')
  await using sink = createBulkSink({
    ...{
      logger: silentLogger,
      driver: postgres({ url: network.url }),
      insertTimeoutMs: 1_000,
      retry: { initialDelayMs: 1, maxDelayMs: 1 },
    },
    tables: {
      [table]: {
        ...{ strategy: 'immediate', ordered: true, id: 'id' },
        statement: `insert into ${table} (:columns) :rows on conflict (id) do update set a = excluded.a`,
      },
    },
  })
  // As a server that stands still, a lock keeps its statement from taking effect in time.
  await using locking = await Database.connect(url)
  await locking.run(`begin; lock table ${table} in exclusive mode`)
  await sink.write(table, { id: 1, a: 'locked out' })
  await sink.write(table, { id: 1, a: 'since then' })
  await expect.poll(() => sink.metrics().batching.failed_batches, { timeout: 60_000 }).toBeGreaterThan(1)
  await locking.run('rollback')
  await sink.flush()
  expect(await database.run(`select a from ${table}`)).toEqual([{ a: 'since then' }])
  // The server gets it when its client is gone, and has sent it again, and more.
  await sink.write(table, { id: 2, a: 'given up' })
  await sink.flush()
  await sink.write(table, { id: 2, a: 'the last' })
  await sink.flush()
  await network.deliver()
  expect(await database.run(`select a from ${table} where id = 2`)).toEqual([{ a: 'the last' }])
})

test('a value that is too large for its index is its row’s fault, and holds up no other', async () => {
  const table = await database.table('id text primary key')
  const refused: RefusedRow[] = []
  await using sink = createBulkSink({
    logger: silentLogger,
    ...{ driver: postgres({ url }), tables: { [table]: { strategy: 'size', batchSize: 100, id: 'id' } } },
    deadLetter: (row) => void refused.push(row),
  })
  const large = randomBytes(6_000).toString('base64')
  for (const id of numbers(100)) await sink.write(table, { id: id === 41 ? large : String(id) })
  await sink.flush()
  expect((await database.ids(table)).map(Number).sort((a, b) => a - b)).toEqual(numbers(100).filter((id) => id !== 41))
  expect(refused).toHaveLength(1)
  expect(refused[0]?.error.message).toContain('exceeds btree version')
})
