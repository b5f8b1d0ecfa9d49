import { cp, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type AppDefinition, defineApp, type RuntimeEvent, serdes, silentLogger, start } from 'millrace'
import { leveldb } from 'millrace/leveldb'
import { memory, type MemoryTransport } from 'millrace/memory'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { countWords, inputSerdes, outputSerdes, someLines, wordCountTopology } from './support/word-count-topology.ts'

const counts = leveldb.keyValueStore({ name: 'counts', key: serdes.string, value: serdes.safeInt64 })
const applicationId = 'restores'

async function count(transport: MemoryTransport, stateDir: string, overrides: Partial<AppDefinition> = {}): Promise<RuntimeEvent[]> {
  const events: RuntimeEvent[] = []
  const app = await start(
    defineApp({
      topology: wordCountTopology({ counts }),
      applicationId,
      transport,
      stateDir,
      logger: silentLogger,
      batch: { size: 50, timeoutMs: 1 },
      commit: { records: 200 },
      observer: (event) => events.push(event),
      ...overrides,
    }),
  )
  const running = app.run()
  await app.caughtUp()
  await app.close()
  await running
  return events
}

const restored = (events: readonly RuntimeEvent[]) =>
  events.reduce((sum, event) => (event.type === 'restore' && event.phase === 'completed' ? sum + event.restoredRecords : sum), 0)

async function setUp(lines: readonly string[]) {
  const transport = memory()
  const log = await LogClient.open(transport)
  await log.createTopics({ lines: 2, 'word-counts': 2 })
  await send(log, lines)
  return { transport, log }
}

const send = (log: LogClient, lines: readonly string[]) =>
  log.write(
    'lines',
    inputSerdes,
    lines.map((value) => ({ key: null, value })),
  )

async function expectExact(log: LogClient, lines: readonly string[]) {
  const last = new Map<string, number>()
  for (const { key, value } of await log.readAll('word-counts', outputSerdes)) {
    expect(value).toBe((last.get(key) ?? 0) + 1)
    last.set(key, value)
  }
  expect(last).toEqual(countWords(lines))
}

describe('restore', () => {
  test('after a clean stop nothing of what is on disk is read again but the last two commits', async () => {
    await using folder = await temporaryFolder()
    const lines = someLines(600)
    const { transport, log } = await setUp(lines.slice(0, 500))
    await using _log = log
    const first = await count(transport, folder.path)
    const lastCommits = first.filter((event) => event.type === 'commit' && event.changelogRecords > 0).slice(-2)
    await send(log, lines.slice(500))
    const second = await count(transport, folder.path)
    const bound = lastCommits.reduce((sum, event) => sum + (event.type === 'commit' ? event.changelogRecords : 0), 0)
    expect(restored(second)).toBeLessThanOrEqual(bound)
    await expectExact(log, lines)
  })

  test('state after losing the disk equals state before', async () => {
    await using folder = await temporaryFolder()
    const lines = someLines(600)
    const { transport, log } = await setUp(lines.slice(0, 500))
    await using _log = log
    await count(transport, folder.path)
    await rm(folder.path, { recursive: true })
    await send(log, lines.slice(500))
    const events = await count(transport, folder.path)
    expect(restored(events)).toBeGreaterThan(0)
    await expectExact(log, lines)
  })

  test('a damaged store is set aside, not deleted, and restored', async () => {
    await using folder = await temporaryFolder()
    const lines = someLines(600)
    const { transport, log } = await setUp(lines.slice(0, 500))
    await using _log = log
    await count(transport, folder.path)
    const task = join(folder.path, applicationId, '0', '1_0')
    const store = join(task, 'counts')
    for (const file of await readdir(store))
      if (/^(CURRENT|MANIFEST|.*\.log|.*\.ldb)/.test(file)) await writeFile(join(store, file), 'no database')
    await send(log, lines.slice(500))
    await count(transport, folder.path)
    expect((await readdir(task)).some((name) => name.startsWith('counts.set-aside-'))).toBe(true)
    await expectExact(log, lines)
  })

  test('a store that is ahead of the committed input is set aside and restored', async () => {
    await using folder = await temporaryFolder()
    await using copy = await temporaryFolder()
    const lines = someLines(400)
    const { transport, log } = await setUp(lines)
    await using _log = log
    await count(transport, folder.path)
    await cp(folder.path, copy.path, { recursive: true })
    // Another cluster, as it were: the same topics, but nothing committed and nothing in the changelog.
    const other = await setUp(lines)
    await using _other = other.log
    await count(other.transport, copy.path)
    await expectExact(other.log, lines)
    const tasks = await readdir(join(copy.path, applicationId, '0'))
    const names = await Promise.all(
      tasks.filter((name) => name.includes('_')).map((name) => readdir(join(copy.path, applicationId, '0', name))),
    )
    expect(names.flat().some((name) => name.includes('set-aside'))).toBe(true)
  })

  test('committed state can be read from outside', async () => {
    await using folder = await temporaryFolder()
    const lines = someLines(300)
    const { transport, log } = await setUp(lines)
    await using _log = log
    const app = await start(
      defineApp({
        topology: wordCountTopology({ counts }),
        applicationId,
        transport,
        stateDir: folder.path,
        logger: silentLogger,
        batch: { timeoutMs: 1 },
      }),
    )
    const running = app.run()
    await app.caughtUp()
    const expected = countWords(lines)
    const words = [...expected.keys(), 'never seen']
    expect(await app.store(counts).getBatch(words)).toEqual(words.map((word) => expected.get(word)))
    expect(() => app.store(leveldb.keyValueStore({ name: 'other', key: serdes.string, value: serdes.string }))).toThrow("no store 'other'")
    await app.close()
    await running
  })
})
