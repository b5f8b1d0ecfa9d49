import { createBulkSink } from '@millrace/bulk-sink'
import { silentLogger } from '@millrace/core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { postgres } from '../src/index.ts'
import { Database } from './support/table.ts'

const url = inject('postgresUrl')
let database: Database

beforeAll(async () => {
  database = await Database.connect(url)
})
afterAll(() => database[Symbol.asyncDispose]())

test('in order, an insert that the server goes on with after its time is not the last to write', async () => {
  const table = await database.table('id int primary key, version int')
  const tries = `${table}_tries`
  await database.run(`create sequence ${tries}`)
  // The first try takes far too long, and a request to cancel it is not heard.
  await database.run(`create function ${table}_slow() returns trigger language plpgsql as $$ begin
    if nextval('${tries}') = 1 then
      begin perform pg_sleep(60); exception when query_canceled then perform pg_sleep(1); end;
    end if;
    return new; end $$`)
  await database.run(`create trigger slow before insert on ${table} for each row execute function ${table}_slow()`)
  await using sink = createBulkSink({
    logger: silentLogger,
    driver: postgres({ url }),
    tables: {
      [table]: {
        ...{ ordered: true, batchSize: 1, id: 'id' },
        statement: `insert into ${table} (:columns) :rows on conflict (id) do update set version = excluded.version`,
      },
    },
    insertTimeoutMs: 500,
    retry: { initialDelayMs: 1, maxDelayMs: 10 },
    circuitBreaker: { openMs: 10 },
  })
  for (const version of [1, 2, 3]) await sink.write(table, { id: 7, version })
  await sink.flush()
  const versions = () => database.run(`select version from ${table}`)
  expect(await versions()).toEqual([{ version: 3 }])
  // Nobody is at work on it any more who could change that.
  const atWork = () =>
    database.run(`select pid from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and query like '%${table}%'`)
  await expect.poll(atWork).toEqual([])
  expect(await versions()).toEqual([{ version: 3 }])
  expect(await database.run(`select last_value::int as tries from ${tries}`)).toEqual([{ tries: 4 }])
})
