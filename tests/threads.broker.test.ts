import { randomUUID } from 'node:crypto'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { type App, serdes, silentLogger, start } from 'millrace'
import { kafka } from 'millrace/kafka'
import { observed } from 'millrace/telemetry'
import type { Page } from 'playwright-core'
import { expect, inject, onTestFinished, test } from 'vitest'
import counting, { counts, type ThreadedCount, VARIABLE } from './programs/threads/counting.ts'
import { checkAlerts, OF_PROMETHEUS, scrapeOf } from './support/alert-stories.ts'
import { openBrowser } from './support/browser.ts'
import { eventually, faultsOf, go, openPage } from './support/dashboard-page.ts'
import { LogClient } from './support/log-client.ts'
import { isOfThreads, missingIn, monitoringExpressions, samplesIn } from './support/monitoring.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const PATIENCE = { timeout: 120_000 }
const KEYS = Array.from({ length: 100 }, (_, i) => `key-${i}`)
const text = { key: serdes.string, value: serdes.string }
const counted = { key: serdes.string, value: serdes.safeInt64 }

/** Topics of four partitions, and what threads are told of them. */
async function counted100(guarantee: ThreadedCount['guarantee']) {
  const folder = await temporaryFolder()
  const id = randomUUID().slice(0, 8)
  const brokers = inject('kafkaBrokers')
  const config: ThreadedCount = {
    ...{ brokers, applicationId: `threads-${id}`, guarantee, folder: folder.path },
    topics: { input: `threads-in-${id}`, output: `threads-out-${id}` },
  }
  process.env[VARIABLE] = JSON.stringify(config)
  const log = await LogClient.open(kafka({ brokers, client: 'packed' }))
  await log.createTopics({ [config.topics.input]: 4, [config.topics.output]: 4 })
  onTestFinished(async () => {
    await log[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })
  let written = 0
  /** Each key so often, one after the other; `deaths`: values of the last records. */
  const write = async (times: number, deaths: readonly string[] = []) => {
    const values = Array.from({ length: times * KEYS.length }, (_, i) => ({ key: KEYS[i % KEYS.length] as string, value: 'count' }))
    const fatal = deaths.map((value, i) => ({ key: KEYS[i] as string, value }))
    await log.write(config.topics.input, text, [...values, ...fatal])
    written += values.length + fatal.length
  }
  /** By key, what was put out for it, in order. */
  const output = async () => {
    const byKey = new Map<string, number[]>()
    for (const { key, value } of await log.readAll(config.topics.output, counted)) byKey.set(key, [...(byKey.get(key) ?? []), value])
    return byKey
  }
  const ready = { ...counting(), stateDir: join(folder.path, 'state'), logger: silentLogger }
  return { config, log, write, output, definition: ready, folder: folder.path, written: () => written }
}

/** Runs it; what it fails with is the test's. */
function running(app: App): { readonly ended: Promise<void> } {
  const ended = app.run()
  ended.catch(() => undefined)
  onTestFinished(() => app.close().catch(() => undefined))
  return { ended }
}

/** The dashboard and `/tasks` say which thread has which task, and how often each was replaced. */
async function showsThreads(page: Page, app: App): Promise<void> {
  const threads = app.health().threads ?? []
  await go(page, 'Threads')
  const rows = threads.map(({ thread, state, tasks, replaced }) => [`thread ${thread}`, state, tasks.join(', '), `${replaced} times`])
  const shown = async () =>
    (await page.locator('#threads tbody tr').all()).map(async (row) => {
      const cells = await row.locator('th, td').allInnerTexts()
      return [0, 1, 2, 4].map((i) => cells[i])
    })
  await eventually(async () => Promise.all(await shown())).toEqual(rows)

  const places = threads.flatMap(({ thread, tasks }) => tasks.map((task) => `task ${task}, thread ${thread}`)).toSorted()
  const answer = await (await fetch(new URL('/tasks', page.url()))).json()
  const { tasks, threads: told } = answer as { tasks: { task: string; thread: number }[]; threads: { thread: number }[] }
  expect(tasks.map(({ task, thread }) => `task ${task}, thread ${thread}`).toSorted()).toEqual(places)
  expect(told.map(({ thread }) => thread)).toEqual(threads.map(({ thread }) => thread))
  await go(page, 'Partitions')
  await eventually(async () => (await page.locator('#partitions tbody th small').allInnerTexts()).toSorted()).toEqual(places)
}

function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, i) => i + 1)
}

test(
  'exactly once, threads that die in the middle of a pass are replaced: nothing is lost, nothing comes twice, and the application is one',
  { timeout: 300_000 },
  async () => {
    const { config, write, output, definition, folder } = await counted100('exactly-once')
    await write(20)
    const telemetry = observed(definition, { http: { port: 0 }, sampleEveryMs: 1 })
    onTestFinished(() => telemetry.close())
    const app = await start(telemetry.definition)
    await telemetry.attach(app)
    const scraped = () => scrapeOf({ scrape: async () => samplesIn(await telemetry.metrics()) })
    const { ended } = running(app)
    await app.caughtUp()
    await expect
      .poll(() => app.health().threads?.map(({ state, tasks }) => [state, tasks.length]), PATIENCE)
      .toEqual([
        ['running', 2],
        ['running', 2],
      ])

    await using browser = await openBrowser()
    const { page, errors } = await openPage(browser, telemetry.url ?? '')
    await showsThreads(page, app)

    const before = await scraped()

    // Each has another in its place, and each has some of the tasks.
    const threads = () => (app.health().threads ?? []).map(({ state, tasks, replaced }) => ({ state, tasks: tasks.length, replaced }))
    const total = () => threads().reduce((sum, { replaced }) => sum + replaced, 0)
    // One after the other: both might end the same thread, once. Key 0 is counted once more by each of the records that do.
    for (const [i, how] of ['exit', 'throw'].entries()) {
      await write(10, [how])
      await expect.poll(() => access(join(folder, how)).then(() => true), PATIENCE).toBe(true)
      await app.caughtUp()
      await expect.poll(() => [app.state, threads().map(({ tasks }) => tasks), total()], PATIENCE).toEqual(['running', [2, 2], i + 1])
    }
    await write(20)
    await app.caughtUp()

    await showsThreads(page, app)
    expect(await faultsOf(page)).toEqual([])
    await go(page, 'Time line')
    const changes = () => page.locator('.timeline li.thread').allInnerTexts()
    for (const why of [/thread \d died: .*3/, /thread \d died: .*nobody catches this/])
      await eventually(changes).toContainEqual(expect.stringMatching(why))
    expect((await changes()).filter((line) => line.endsWith('started'))).toHaveLength(4)
    expect(errors).toEqual([])

    const expected = new Map(KEYS.map((key, i) => [key, i === 0 ? 62 : 60]))
    const found = await app.store(counts, { whileRestoring: 'refuse' }).getBatch(KEYS)
    expect(new Map(KEYS.map((key, i) => [key, found[i]]))).toEqual(expected)
    const answers = await Promise.all(KEYS.map(async (key) => (await fetch(`${telemetry.url}/stores/counts/${key}`)).json()))
    expect(answers).toEqual(KEYS.map((key) => ({ store: 'counts', key, value: expected.get(key) })))
    expect(await app.inspect.locate('counts', 'key-7')).toMatchObject({ here: true })

    const metrics = await telemetry.metrics()
    const labels = (name: string) =>
      [...metrics.matchAll(new RegExp(`^${name}\\{(.*)\\} (.*)$`, 'gm'))].map(([, found = '', value]) => [found, Number(value)])
    const partitions = labels('millrace_batched_records_total').map(([found]) => /partition="(\d)"/.exec(String(found))?.[1])
    expect(partitions.toSorted((a, b) => Number(a) - Number(b))).toEqual(['0', '1', '2', '3'])
    expect(labels('millrace_threads').filter(([, value]) => value !== 0)).toEqual([[expect.stringContaining('state="running"'), 2]])
    expect(labels('millrace_thread_utilization').map(([found]) => /thread="(\d)"/.exec(String(found))?.[1])).toEqual(['1', '2'])
    expect(labels('millrace_thread_deaths_total')).toEqual([[expect.any(String), 2]])
    const after = await scraped()
    expect(missingIn(monitoringExpressions(config.applicationId).filter(isOfThreads), after.samples)).toEqual([])
    // Less than five minutes in all: of a machine that is starved no other alert fires.
    const threadsDie = { alert: 'MillraceThreadsDie', labels: { application: config.applicationId, instance: OF_PROMETHEUS.instance } }
    await checkAlerts([
      { phases: [{ from: before, to: before, minutes: 4 }], alerts: [] },
      {
        phases: [
          { from: before, to: after, minutes: 2 },
          { from: after, to: after, minutes: 2 },
        ],
        alerts: [threadsDie],
      },
    ])

    await app.close()
    await ended
    expect(await output()).toEqual(new Map(KEYS.map((key) => [key, upTo(expected.get(key) as number)])))
  },
)

test(
  'tasks move between threads and processes as these come and go, and closing drains all threads: nothing is lost, nothing is repeated',
  { timeout: 300_000 },
  async () => {
    const { config, log, write, output, definition, written } = await counted100('at-least-once')
    const one = await start({ ...definition, advertisedAddress: 'one:1' })
    const first = running(one)
    await write(10)
    await one.caughtUp()

    const two = await start({ ...definition, advertisedAddress: 'two:2' })
    const second = running(two)
    const spread = () => [one, two].map((app) => app.health().threads?.map(({ tasks }) => tasks.length))
    // Each of four threads has one of the tasks.
    await expect.poll(spread, PATIENCE).toEqual([
      [1, 1],
      [1, 1],
    ])
    await write(10)
    await one.caughtUp()
    await two.caughtUp()
    const [ofOne, ofTwo] = await Promise.all([one, two].map((app) => app.store(counts).getBatch(KEYS)))
    expect(KEYS.map((_, i) => [ofOne?.[i], ofTwo?.[i]].filter((count) => count !== undefined))).toEqual(KEYS.map(() => [20]))
    const elsewhere = KEYS[ofTwo?.findIndex((count) => count !== undefined) ?? 0] as string
    expect(await one.inspect.locate('counts', elsewhere)).toMatchObject({ here: false, member: { address: 'two:2' } })

    await two.close()
    await second.ended
    await expect.poll(() => one.health().threads?.map(({ tasks }) => tasks.length), PATIENCE).toEqual([2, 2])
    await write(10)
    await one.caughtUp()
    expect(await one.store(counts, { whileRestoring: 'refuse' }).getBatch(KEYS)).toEqual(KEYS.map(() => 30))
    const writing = write(10)
    await one.close()
    await first.ended
    await writing

    // What was left is done by the next, which has all in one thread.
    const alone = await start({ ...definition, threads: 1 })
    const third = running(alone)
    await alone.caughtUp()
    await alone.close()
    await third.ended
    expect(await output()).toEqual(new Map(KEYS.map((key) => [key, upTo(40)])))
    const offsets = await log.committed(config.applicationId, config.topics.input)
    expect(offsets.reduce<number>((sum, offset) => sum + (offset ?? 0), 0)).toBe(written())
  },
)
