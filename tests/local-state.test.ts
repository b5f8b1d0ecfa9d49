import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type App, type AppDefinition, BatchCountAggregator, defineApp, serdes, silentLogger, start, TopologyBuilder } from 'millrace'
import { memory, type MemoryFaults } from 'millrace/memory'
import { leveldb } from 'millrace/leveldb'
import { LogClient } from './support/log-client.ts'
import { deferred } from './support/deferred.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { countWords, someLines } from './support/word-count-topology.ts'

const counts = leveldb.keyValueStore({ name: 'counts', key: serdes.string, value: serdes.safeInt64 })
const text = { key: serdes.string, value: serdes.string }
const words = someLines(200).flatMap((line) => line.split(' '))
const truth = countWords(words)

function countTopology() {
  const builder = new TopologyBuilder('count')
  builder
    .source('words', { topics: ['words'], ...text })
    .process('count', { create: () => new BatchCountAggregator(counts), stores: [counts] })
  return builder.build()
}

async function setUp(faults: MemoryFaults = {}) {
  const folder = await temporaryFolder()
  const transport = memory({ faults })
  const log = await LogClient.open(transport)
  await log.createTopics({ words: 2 })
  await log.write(
    'words',
    text,
    words.map((key) => ({ key, value: '' })),
  )
  const open = (overrides: Partial<AppDefinition> = {}) =>
    start(
      defineApp({
        topology: countTopology(),
        applicationId: 'kept',
        transport,
        stateDir: folder.path,
        logger: silentLogger,
        batch: { size: 20, timeoutMs: 1 },
        ...overrides,
      }),
    )
  const slot = (number: number) => join(folder.path, 'kept', String(number))
  const tasks = async (number: number) => (await readdir(slot(number))).filter((name) => /^\d+_\d+$/.test(name)).toSorted()
  const dispose = async () => {
    await log[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  }
  return { transport, log, open, slot, tasks, [Symbol.asyncDispose]: dispose }
}

async function countAll(app: App): Promise<void> {
  const running = app.run()
  await app.caughtUp()
  await app.close()
  await running
}

async function entriesOf(app: App, whileRestoring: 'serve' | 'refuse' = 'serve'): Promise<Map<string, number>> {
  const entries = new Map<string, number>()
  for await (const page of app.store(counts, { whileRestoring }).rangePages({})) for (const [key, value] of page) entries.set(key, value)
  return entries
}

describe('local state of tasks that are elsewhere', () => {
  test('is removed when they have been there for long, and theirs alone; what was set aside stays', async () => {
    await using all = await setUp()
    await countAll(await all.open())
    expect(await all.tasks(0)).toEqual(['0_0', '0_1'])
    const aside = join(all.slot(0), '0_0', 'other.set-aside-1')
    await mkdir(aside, { recursive: true })
    await writeFile(join(aside, 'a'), 'kept')
    const lines: unknown[] = []
    const logger = { ...silentLogger, info: (fields: object, message: string) => void lines.push({ ...fields, message }) }
    const first = await all.open({ state: { cleanupDelayMs: 50 }, logger })
    const firstRun = first.run()
    await first.caughtUp()
    const second = await all.open()
    const secondRun = second.run()
    await expect.poll(() => all.tasks(1)).toHaveLength(1)
    const [moved] = await all.tasks(1)
    const stayed = moved === '0_0' ? '0_1' : '0_0'
    const storesOf = (task: string) => readdir(join(all.slot(0), task)).catch(() => [])
    await expect.poll(() => storesOf(moved as string)).not.toContain('counts')
    expect(await storesOf(stayed)).toContain('counts')
    const removed = { message: 'local state of a task that has been elsewhere for long was removed', store: 'counts' }
    const told = () => lines.filter((line) => (line as typeof removed).message === removed.message)
    await expect.poll(told).toEqual([{ ...removed, task: moved }])
    expect(await readFile(join(aside, 'a'), 'utf8')).toBe('kept')
    await second.close()
    await secondRun
    await expect.poll(() => entriesOf(first)).toEqual(truth)
    await first.close()
    await firstRun
  })

  test('stays while they have not been there for long', async () => {
    await using all = await setUp()
    await countAll(await all.open())
    const first = await all.open({ state: { cleanupDelayMs: 60_000 } })
    const firstRun = first.run()
    await first.caughtUp()
    const second = await all.open()
    const secondRun = second.run()
    await expect.poll(() => all.tasks(1)).toHaveLength(1)
    expect(await all.tasks(0)).toEqual(['0_0', '0_1'])
    await Promise.all([first.close(), second.close(), firstRun, secondRun])
  })
})

describe('cleanUp', () => {
  test.each(['before it runs', 'after it has ended'])('%s deletes local state, which is restored by the next run', async (when) => {
    await using all = await setUp()
    const first = await all.open()
    await countAll(first)
    const processId = await readFile(join(all.slot(0), 'process-id'), 'utf8')
    const second = await all.open()
    if (when === 'before it runs') await second.cleanUp()
    else {
      await second.close()
      await first.cleanUp()
    }
    expect(await all.tasks(0)).toEqual([])
    expect(await readFile(join(all.slot(0), 'process-id'), 'utf8')).toBe(processId)
    const last = when === 'before it runs' ? second : await all.open()
    const running = last.run()
    await expect.poll(() => entriesOf(last)).toEqual(truth)
    await last.close()
    await running
  })

  test('is refused while it runs, and while another process has the folder', async () => {
    await using all = await setUp()
    const first = await all.open()
    await countAll(first)
    const second = await all.open()
    const running = second.run()
    await expect(second.cleanUp()).rejects.toThrow(/can be deleted before it runs or when it has ended/)
    await expect(first.cleanUp()).rejects.toMatchObject({
      code: 'STATE_FOLDER',
      message: expect.stringContaining('another process') as string,
    })
    await expect.poll(() => entriesOf(second)).toEqual(truth)
    await second.close()
    await running
  })
})

test('a store that is being restored answers with what it has, or refuses, as asked', async () => {
  const gate = deferred()
  let restoring = false
  await using set = await setUp({
    before: async (operation) => {
      if (restoring && operation.type === 'poll' && operation.clientId.endsWith('-restore')) await gate.promise
    },
  })
  const first = await set.open()
  await countAll(first)
  await first.cleanUp()
  restoring = true
  const app = await set.open()
  const running = app.run()
  await expect.poll(() => app.health().tasks.some(({ state }) => state === 'restoring')).toBe(true)
  expect(await entriesOf(app)).toEqual(new Map())
  await expect(entriesOf(app, 'refuse')).rejects.toMatchObject({ code: 'STORE_RESTORING', retryable: true })
  await expect(app.store(counts, { whileRestoring: 'refuse' }).get('w1')).rejects.toMatchObject({ code: 'STORE_RESTORING' })
  gate.resolve()
  await expect.poll(() => entriesOf(app)).toEqual(truth)
  expect(await entriesOf(app, 'refuse')).toEqual(truth)
  expect(() => app.store(counts, { whileRestoring: 'maybe' as 'serve' })).toThrow(/use 'serve' or 'refuse'/)
  await app.close()
  await running
})
