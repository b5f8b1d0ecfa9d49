import {
  defineApp,
  type OpenOutsideSink,
  type OutsideSink,
  serdes,
  silentLogger,
  start,
  type StreamRecord,
  TopologyBuilder,
} from 'millrace'
import { bulkRows } from 'millrace/bulk-sink'
import type { MemoryTransport } from 'millrace/memory'
import { postgres } from 'millrace/postgres'
import { randomUUID } from 'node:crypto'
import { expect, inject, test } from 'vitest'
import { logWhoseCommitsFail } from './support/failing-commits.ts'
import { LogClient } from './support/log-client.ts'
import { openTables } from './support/postgres-tables.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const url = inject('postgresUrl')
const pair = { key: serdes.string, value: serdes.int32 }
const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i)

/** A sink whose rows show every repeat: its tables have no keys. */
function exactlyOnce(table: string, options: { readonly bad?: number; readonly role?: string } = {}) {
  return bulkRows({
    driver: postgres({ url, pool: options.role === undefined ? {} : { options: `-c role=${options.role}` } }),
    tables: { [table]: { preset: 'events', batchSize: 100, batchTimeMs: 20 } },
    rows: ({ value }: StreamRecord<string, number>) => ({ table, row: { id: value === options.bad ? 'bad' : value } }),
    retry: { initialDelayMs: 1 },
    exactlyOnce: true,
  })
}

function startApp(
  applicationId: string,
  transport: MemoryTransport,
  sinks: Readonly<Record<string, OutsideSink<string, number>>>,
  stateDir: string,
) {
  const builder = new TopologyBuilder('once')
  const stream = builder.source('events', { topics: ['events'], ...pair })
  for (const [name, sink] of Object.entries(sinks)) stream.sinkOutside(name, sink)
  const failure = { produce: 'dead-letter', deadLetter: { topic: 'dead' } } as const
  const definition = { topology: builder.build(), applicationId, transport, stateDir, logger: silentLogger, failure }
  return start(defineApp({ ...definition, batch: { size: 70, timeoutMs: 5 }, commit: { intervalMs: 10 } }))
}

test('commits that fail after the database has committed repeat no row, and none is missing; two sinks keep their own offsets', async () => {
  await using folder = await temporaryFolder()
  await using tables = await openTables(url)
  const applicationId = `once-${randomUUID()}`
  const transport = logWhoseCommitsFail(3)
  await using log = await LogClient.open(transport)
  await log.createTopics({ events: 3, dead: 1 })
  const [one, two] = [await tables.create('id int'), await tables.create('id int')]
  const app = await startApp(applicationId, transport, { one: exactlyOnce(one, { bad: 417 }), two: exactlyOnce(two) }, folder.path)
  const running = app.run()
  for (const part of [0, 1, 2, 3])
    await log.write(
      'events',
      pair,
      numbers(500, 500 * part).map((value) => ({ key: `k${value}`, value })),
    )
  await app.caughtUp()
  await app.close()
  await running
  expect(await tables.ids(one)).toEqual(numbers(2_000).filter((id) => id !== 417))
  expect(await tables.ids(two)).toEqual(numbers(2_000))
  const dead = await log.readAll('dead', { key: serdes.nullable(serdes.bytes), value: serdes.string })
  expect([...new Set(dead.map(({ value }) => value))]).toEqual([JSON.stringify({ table: one, row: { id: 'bad' } })])
  const committed = await log.committed(applicationId, 'events')
  const stored = await tables.rows(
    `select node, array_agg(next_offset::int order by partition) as offsets from millrace_offsets where application = '${applicationId}' group by node order by node`,
  )
  expect(stored).toEqual([
    { node: 'one', offsets: committed },
    { node: 'two', offsets: committed },
  ])
})

/** A sink opened as an application would, without one. */
async function opened(sink: OutsideSink<string, number>, applicationId: string): Promise<OpenOutsideSink<string, number>> {
  const clock = { now: () => Date.now(), monotonic: () => performance.now(), after: timeout }
  return sink.open({
    applicationId,
    node: 'rows',
    clock,
    logger: silentLogger,
    refuse: () => Promise.reject(new Error('a row was refused')),
  })
}

function timeout(delayMs: number, callback: () => void): () => void {
  const timer = setTimeout(callback, delayMs)
  return () => clearTimeout(timer)
}

const never = new AbortController().signal
const at = (partition: number, offset = 0) => ({ topic: 'events', partition, offset, begin: 0, end: 1_000, topicId: 'one' })
const records = (table: string, partition: number, ids: readonly number[]) =>
  ids.map((id) => ({ topic: 'events', partition, offset: id % 100, timestamp: 0, staged: [{ table, row: { id }, bytes: 8 }] }))
const urgency = () => ({ flush: true, signal: AbortSignal.timeout(20_000) })
const offsets = (...all: [number, number][]) => all.map(([partition, offset]) => ({ topic: 'events', partition, offset }))

test('the former owner of a partition stores nothing more of it, and the rest of what it has; the present owner goes on where that stopped, whatever is claimed late', async () => {
  await using tables = await openTables(url)
  const table = await tables.create('id int')
  const applicationId = `fence-${randomUUID()}`
  const zombie = await opened(exactlyOnce(table), applicationId)
  const owner = await opened(exactlyOnce(table), applicationId)
  await zombie.assign([at(0), at(1)], never)
  zombie.accept([...records(table, 0, numbers(10)), ...records(table, 1, numbers(10, 100))])
  expect(await zombie.prepare(offsets([0, 10], [1, 10]), urgency())).toEqual(offsets([0, 10], [1, 10]))
  await owner.assign([at(1)], never)
  zombie.accept([...records(table, 0, numbers(10, 10)), ...records(table, 1, numbers(10, 110))])
  // The group refuses that: it is no member for the second any more.
  expect(await zombie.prepare(offsets([0, 20], [1, 20]), urgency())).toEqual(offsets([0, 20], [1, 10]))
  // What the log had not committed comes again.
  owner.accept(records(table, 1, numbers(30, 100)))
  expect(await owner.prepare(offsets([1, 30]), urgency())).toEqual(offsets([1, 30]))
  expect(await tables.ids(table)).toEqual([...numbers(20), ...numbers(30, 100)])
  // A claim that comes late, though, only holds up the owner, whom the group lets commit.
  zombie.revoke([at(1)])
  await zombie.assign([at(1, 10)], never)
  owner.accept(records(table, 1, numbers(10, 130)))
  for (const _ of [1, 2]) expect(await owner.prepare(offsets([1, 40]), urgency())).toEqual(offsets([1, 30]))
  await expect.poll(() => owner.prepare(offsets([1, 40]), urgency()), { timeout: 60_000 }).toEqual(offsets([1, 40]))
  expect(await tables.ids(table)).toEqual([...numbers(20), ...numbers(40, 100)])
  // Of a topic that is deleted and created anew nothing is stored; and where the table of offsets is, nobody needs the right to create any.
  await owner.close()
  await tables.rows(`create role ${table}; grant all on ${table}, millrace_offsets to ${table}`)
  const anew = await opened(exactlyOnce(table, { role: table }), applicationId)
  await anew.assign([{ ...at(1), topicId: 'another' }], never)
  anew.accept(records(table, 1, numbers(5, 200)))
  expect(await anew.prepare(offsets([1, 5]), urgency())).toEqual(offsets([1, 5]))
  expect((await tables.ids(table)).slice(-5)).toEqual(numbers(5, 200))
  await Promise.all([zombie.close(), anew.close()])
  await tables.rows(`drop owned by ${table}; drop role ${table}`)
})

test('stored offsets that the log can not have, or has no more, are errors that say what to do', async () => {
  await using tables = await openTables(url)
  const table = await tables.create('id int')
  const applicationId = `ends-${randomUUID()}`
  const first = await opened(exactlyOnce(table), applicationId)
  await first.assign([at(0)], never)
  first.accept(records(table, 0, numbers(50)))
  await first.prepare(offsets([0, 50]), urgency())
  await first.close()
  const next = await opened(exactlyOnce(table), applicationId)
  await expect(next.assign([{ ...at(0), end: 49 }], never)).rejects.toMatchObject({ code: 'STORED_OFFSET_BEYOND_END', offset: 50 })
  await expect(next.assign([{ ...at(0, 51), begin: 51 }], never)).rejects.toMatchObject({ code: 'STORED_OFFSET_GONE' })
  await expect(next.assign([at(0, 51)], never)).rejects.toMatchObject({ code: 'STORED_OFFSET_BEHIND' })
  await next.assign([at(0, 20)], never)
  next.accept(records(table, 0, numbers(40, 20)))
  await next.prepare(offsets([0, 60]), urgency())
  expect(await tables.ids(table)).toEqual(numbers(60))
  await next.close()
})
