import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { serdes } from 'millrace'
import { kafka } from 'millrace/kafka'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { ChildProgram } from './support/child-program.ts'
import { LogClient } from './support/log-client.ts'
import { ownBroker } from './support/own-broker.ts'
import { openTables } from './support/postgres-tables.ts'
import type { RowsMemberConfig, RowsReport } from './support/rows-messages.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const url = inject('postgresUrl')
const PARTITIONS = 4
const KILLS = 4
/** Enough that there is always more to do than what a member has in hand. */
const RECORDS = 4_000
const pair = { key: serdes.string, value: serdes.int32 }
const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i)

/** A process that takes a part of the topic to the database. */
class RowsMember extends ChildProgram<RowsReport> {
  readonly told: { given: number; committed: number }

  constructor(config: RowsMemberConfig) {
    const told = { given: 0, committed: 0 }
    super('rows-member', config, ({ given = 0, committed = 0 }) => {
      told.given += given
      told.committed += committed
    })
    this.told = told
  }
}

describe('two processes of one group, killed again and again while they store rows', () => {
  let broker: Awaited<ReturnType<typeof ownBroker>>

  beforeAll(async () => {
    broker = await ownBroker()
  })
  afterAll(() => broker[Symbol.asyncDispose]())

  test.each([
    // What comes again meets its id.
    { guarantee: 'at least once, ON CONFLICT DO NOTHING', exactlyOnce: false, columns: 'id int primary key', client: 'packed' },
    // Nothing but the offsets of the same transaction keeps a row from being there twice.
    { guarantee: 'exactly once, into a table without a key', exactlyOnce: true, columns: 'id int', client: 'confluent' },
  ] as const)('$guarantee: every row is there once', { timeout: 180_000 }, async ({ exactlyOnce, columns, client }) => {
    await using folder = await temporaryFolder()
    await using tables = await openTables(url)
    await using log = await LogClient.open(kafka({ brokers: broker.brokers, client: 'packed' }))
    const table = await tables.create(columns)
    const [topic, applicationId] = [`events-${table}`, `rows-${randomUUID()}`]
    await log.createTopics({ [topic]: PARTITIONS })
    let written = 0
    const write = async (count: number) => {
      const values = numbers(count, written).map((value) => ({ key: `k${value}`, value }))
      written += count
      await log.write(topic, pair, values)
    }
    const begin = (which: number) =>
      new RowsMember({
        ...{ brokers: broker.brokers, client, applicationId, topic, url, table, exactlyOnce },
        stateDir: `${folder.path}/${which}`,
      })
    const committed = async () => (await log.committed(applicationId, topic)).reduce<number>((sum, offset) => sum + (offset ?? 0), 0)

    const members = [begin(0), begin(1)]
    try {
      for (let kill = 0; kill < KILLS; kill++) {
        const which = kill % 2
        const victim = members[which] as RowsMember
        await victim.until(({ told }) => told.given > 0)
        const before = victim.told.committed
        await write(RECORDS)
        // In the middle of what was just written: some of it is committed, and more is on its way.
        await victim.until(({ told }) => told.committed > before)
        await pause(Math.random() * 50)
        victim.signal('SIGKILL')
        await victim.exit()
        expect(await committed()).toBeLessThan(written)
        members[which] = begin(which)
      }
      await expect.poll(committed, { timeout: 60_000 }).toBe(written)
      // Both are asked to end, and say nothing of an error.
      for (const member of members) member.signal('SIGTERM')
      expect(await Promise.all(members.map((member) => member.exit()))).toEqual([0, 0])
    } finally {
      for (const member of members) await member[Symbol.asyncDispose]()
    }
    expect(await tables.ids(table)).toEqual(numbers(written))
  })
})
