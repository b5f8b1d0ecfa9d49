import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { kafka } from 'millrace/kafka'
import { afterAll, beforeAll, describe, inject, test } from 'vitest'
import { openBroker } from '../tools/broker/broker.mjs'
import { bundlePrograms, pathFrom } from './support/bundle-programs.ts'
import { LogClient } from './support/log-client.ts'
import { openTables } from './support/postgres-tables.ts'
import { numberSerdes, RowsMember } from './support/rows-member.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const url = inject('postgresUrl')
const PARTITIONS = 4
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)
let broker: Awaited<ReturnType<typeof openBroker>>
let programs: Awaited<ReturnType<typeof bundlePrograms>>

beforeAll(async () => {
  broker = await openBroker({ say: (message) => process.stderr.write(`${message}\n`) })
  programs = await bundlePrograms(
    [pathFrom(import.meta.url, 'programs/rows-member.ts')],
    pathFrom(import.meta.url, '../node_modules/.cache'),
  )
})
afterAll(async () => {
  await programs.remove()
  await broker.stop()
})

describe.concurrent('bulk-sink-killed', () => {
  test.for([
    ['exactly once, into tables without a key', true],
    ['at least once, into a table with a key', false],
  ] as const)(
    '%s: two processes of a group are killed while they insert, one right between the database’s commit and the group’s: every row is there once',
    { timeout: 120_000 },
    async ([, exactlyOnce], { expect }) => {
      const { brokers, kind } = broker
      const sessionTimeoutMs = kind === 'given' ? 6_000 : 2_000
      await using folder = await temporaryFolder()
      await using tables = await openTables(url)
      await using log = await LogClient.open(kafka({ brokers }))
      const id = randomUUID().slice(0, 8)
      const [topic, applicationId] = [`numbers-${id}`, `rows-${id}`]
      await log.createTopics({ [topic]: PARTITIONS })
      const once = await tables.create(exactlyOnce ? 'id int' : 'id int primary key')
      // Of each repeat at least once there is one more row in it.
      const each = await tables.create('id int')
      const start = (name: string, killAfterRows?: number) =>
        new RowsMember(
          {
            ...{ brokers, applicationId, topic, sessionTimeoutMs, url, exactlyOnce, killAfterRows },
            ...{ stateDir: join(folder.path, name), tables: [once, each], keyed: exactlyOnce ? [] : [once] },
          },
          programs.folder,
        )
      let written = 0
      const write = async (count: number) => {
        const records = numbers(count).map((i) => ({ key: null, value: written + i, partition: (written + i) % PARTITIONS }))
        written += count
        await log.write(topic, numberSerdes, records)
      }
      const isHalf = ({ tasks }: RowsMember) => tasks.size === PARTITIONS / 2

      await using killing = start('one', 400)
      await using other = start('two')
      await Promise.all([killing.until(isHalf), other.until(isHalf)])
      await write(2_000)
      expect(await killing.exit()).toBe(null)
      await using again = start('one')
      await Promise.all([again.until(isHalf), other.until(isHalf)])
      // Wherever it is.
      const { commits } = other
      const writing = write(4_000)
      await other.until((member) => member.commits > commits)
      other.signal('SIGKILL')
      await Promise.all([other.exit(), writing])
      await using last = start('two')
      await write(500)
      await again.ask('caughtUp')
      await last.until(isHalf)
      await last.ask('caughtUp')
      for (const member of [again, last]) expect(await member.close()).toBe(0)

      expect(await tables.ids(once)).toEqual(numbers(written))
      const all = await tables.ids(each)
      expect([...new Set(all)]).toEqual(numbers(written))
      // The repeats that there are, and no others, were seen where nothing drops them.
      expect(all.length > written).toBe(!exactlyOnce)
      const committed = await log.committed(applicationId, topic)
      expect(committed).toEqual(numbers(PARTITIONS).map(() => written / PARTITIONS))
    },
  )
})
