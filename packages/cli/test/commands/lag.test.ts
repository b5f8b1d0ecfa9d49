import { ManualClock, serdes, serializeColumn, silentLogger } from '@millrace/core'
import { expect, test } from 'vitest'
import { millrace } from '../support/command.ts'
import { MemoryApp } from '../support/memory-app.ts'

async function opened(): Promise<MemoryApp> {
  const app = await MemoryApp.open()
  await app.createTopics({ lines: 2, 'app-by-word-repartition': 1, other: 1 })
  await app.write('lines', 0, ['a', 'b', 'c', 'd', 'e'])
  await app.write('lines', 1, ['f', 'g'])
  await app.commit([
    { topic: 'lines', partition: 0, offset: 2 },
    { topic: 'app-by-word-repartition', partition: 0, offset: 0 },
    { topic: 'other', partition: 0, offset: 0 },
  ])
  return app
}

test('lag counts from what is committed to the end, and partitions without a committed offset are told as such', async () => {
  await using app = await opened()

  expect(await app.millrace(['lag'])).toEqual({
    code: 0,
    stdout: `TOPIC                    PARTITION  COMMITTED  END  LAG  MEMBER
app-by-word-repartition          0          0    0    0  -
lines                            0          2    5    3  -
lines                            1          -    2    -  -

Group app (Empty, 0 members) is 3 records behind, 1 partition without a committed offset.
`,
    stderr: '',
  })
})

test('a module that says only how many threads it has can be looked at: run names the module', async () => {
  await using app = await MemoryApp.open({ threads: 4, failure: { deadLetter: { topic: 'dead' } } })
  await app.createTopics({ lines: 1, dead: 1 })

  expect(await app.millrace(['lag', '--topics', 'lines'])).toMatchObject({ code: 0, stderr: '' })
  expect(await app.millrace(['dead-letters', 'list'])).toMatchObject({ code: 0, stderr: '' })
})

test('as JSON', async () => {
  await using app = await opened()
  const { stdout } = await app.millrace(['lag', '--json', '--topics', 'lines'])

  expect(JSON.parse(stdout)).toEqual({
    group: 'app',
    state: 'Empty',
    members: 0,
    totalLag: 3,
    withoutOffset: 1,
    partitions: [
      { topic: 'lines', partition: 0, committed: 2, start: 0, end: 5, lag: 3, problem: null, member: null },
      { topic: 'lines', partition: 1, committed: null, start: 0, end: 2, lag: null, problem: null, member: null },
    ],
    missing: [],
  })
})

test('where records were deleted before they were read, and where the topic is another one, it says so', async () => {
  await using app = await opened()
  await app.admin.deleteRecords([{ topic: 'lines', partition: 0, offset: 4 }])
  await app.commit([{ topic: 'lines', partition: 1, offset: 9 }])
  const { stdout } = await app.millrace(['lag', '--topics', 'lines'])

  expect(stdout).toContain('3 (records deleted)')
  expect(stdout).toContain('0 (beyond the end)')
})

test('--max makes the exit code tell whether a partition is further behind, one without an offset by all it has', async () => {
  await using app = await opened()
  const code = async (max: number) => (await app.millrace(['lag', '--topics', 'lines', '--max', String(max)])).code

  expect(await code(3)).toBe(0)
  expect(await code(2)).toBe(4)
  await app.commit([{ topic: 'lines', partition: 0, offset: 5 }])
  expect(await code(2)).toBe(0)
  expect(await code(1)).toBe(4)
})

test('--max of an application that nobody knows, or of topics that are not there, is no yes; with --watch it ends the watching', async () => {
  await using app = await opened()
  const code = async (...args: string[]) => (await app.millrace(['lag', '--max', '100', ...args])).code

  expect(await code('--topics', 'lines')).toBe(0)
  expect(await code('--topics', 'linse')).toBe(4)
  expect(await code('--topics', 'lines,linse')).toBe(4)
  await app.commit([{ topic: 'lines', partition: 1, offset: 2 }])
  const watched = await app.millrace(['lag', '--topics', 'lines', '--max', '2', '--watch', '5', '--json'], { clock: new ManualClock() })
  expect(watched.code).toBe(4)
  expect(JSON.parse(watched.stdout)).toMatchObject({ totalLag: 3 })
})

test("an open transaction's records count for who reads them only", async () => {
  await using app = await opened()
  await using writer = await app.transport.openWriter({ clientId: 'test', transactionalId: 'open' }, { logger: silentLogger })
  await writer.begin()
  const column = serializeColumn(serdes.string, ['x'])
  await writer.writeBatch({ topic: 'lines', length: 1, keys: column, values: column, timestamps: [0], partitions: [0] })
  await writer.flush()
  const lag = async (...args: string[]) => {
    const { stdout } = await app.millrace(['lag', '--json', '--topics', 'lines', ...args])
    return (JSON.parse(stdout) as { totalLag: number }).totalLag
  }

  expect(await lag('--isolation', 'read-committed')).toBe(3)
  expect(await lag('--isolation', 'read-uncommitted')).toBe(4)
  // What the guarantee of the application reads.
  expect(await lag()).toBe(4)
})

test('a topic that is not there is told, and a group that nobody knows has nothing', async () => {
  await using app = await MemoryApp.open()
  const { code, stdout, stderr } = await app.millrace(['lag'])

  expect(stdout).toBe('Group app (Dead, 0 members) has no committed offsets.\n')
  expect(stderr).toContain("millrace: topic 'lines' does not exist\n")
  expect(code).toBe(0)
})

test('--watch measures again until it is stopped', async () => {
  await using app = await opened()
  const clock = new ManualClock()
  const stop = new AbortController()
  const running = app.millrace(['lag', '--json', '--watch', '5'], { clock, stop: stop.signal })
  const turn = () => new Promise((resolve) => setTimeout(resolve, 0))
  for (let i = 0; i < 40; i++) await turn()
  await app.commit([{ topic: 'lines', partition: 0, offset: 5 }])
  await clock.advance(5_000)
  for (let i = 0; i < 40; i++) await turn()
  stop.abort()
  const { code, stdout } = await running

  expect(code).toBe(0)
  const lines = stdout.trim().split('\n')
  expect(lines.map((line) => (JSON.parse(line) as { totalLag: number }).totalLag)).toEqual([3, 0])
})

test('without a module, brokers and the application are needed', async () => {
  expect(await millrace(['lag', '--application', 'app'])).toMatchObject({
    code: 2,
    stderr: 'millrace: Name the module of the application, or --brokers and --application.\n',
  })
  expect(await millrace(['lag', '--brokers', 'here:9', '--application', '..'])).toMatchObject({
    code: 2,
    stderr: "millrace: '..' is no application id: it has 1 to 180 letters, digits, '.', '_' and '-'.\n",
  })
  expect(await millrace(['lag', '--brokers', 'nonsense', '--application', 'app'])).toMatchObject({ code: 2 })
})
