import { randomUUID } from 'node:crypto'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { defineApp, serdes, silentLogger, start, TopologyBuilder } from 'millrace'
import { kafka } from 'millrace/kafka'
import { inMemory } from 'millrace/memory'
import { observed } from 'millrace/telemetry'
import { openBrowser } from './support/browser.ts'
import { dashboardFiles } from './support/built-dashboard.ts'
import { eventually, faultsOf, go, openPage, statusOf } from './support/dashboard-page.ts'
import { manyPartitions, serveAnswers } from './support/live-answers.ts'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const pair = { key: serdes.string, value: serdes.string }
const counts = inMemory.keyValueStore({ name: 'counts', key: serdes.string, value: serdes.safeInt64 })
/** Runs if a page takes it for markup. */
const HOSTILE = '<img src=x onerror="globalThis.pwned = 1"><script>globalThis.pwned = 1</script>"\'`${1}\u202e'

const LIMIT = { timeout: 180_000 }

let browser: Browser

beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(() => browser?.close())

/** Counts on the broker; records whose value is hostile fail and become dead letters. */
async function countingApp(port: number, token?: string) {
  const folder = await temporaryFolder()
  const id = randomUUID().slice(0, 8)
  const transport = kafka({ brokers: inject('kafkaBrokers'), consumer: { 'session.timeout.ms': 6_000, 'heartbeat.interval.ms': 500 } })
  const log = await LogClient.open(transport)
  const [input, output, dead] = [`in-${id}`, `out-${id}`, `dead-${id}`]
  await log.createTopics({ [input]: 2, [output]: 1, [dead]: 1 })
  const builder = new TopologyBuilder('counting')
  builder
    .source('orders', { topics: [input], ...pair })
    .process<string, number>(
      'count',
      (record, context) => {
        if (record.value === HOSTILE) throw new Error(HOSTILE)
        const store = context.store(counts)
        const count = (store.get(record.key) ?? 0) + 1
        store.set(record.key, count)
        context.forward({ ...record, value: count })
      },
      { stores: [counts] },
    )
    .sink('totals', { topic: output, key: serdes.string, value: serdes.safeInt64 })
  const telemetry = observed(
    defineApp({
      topology: builder.build(),
      applicationId: `dashboard-${id}`,
      transport,
      stateDir: folder.path,
      logger: silentLogger,
      batch: { size: 10, timeoutMs: 5, maxRetries: 0 },
      failure: { process: 'dead-letter', deadLetter: { topic: dead } },
    }),
    { http: { port, token }, sampleEveryMs: 200 },
  )
  const app = await start(telemetry.definition)
  await telemetry.attach(app)
  const running = app.run()
  const close = async () => {
    await app.close()
    await running
    await telemetry.close()
    await log[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  }
  const write = (records: readonly { key: string; value: string }[]) => log.write(input, pair, records)
  return { app, telemetry, close, write, id }
}

test('every view of a running application, as it lives, and hostile content that stays text', LIMIT, async () => {
  const { app, telemetry, close, write, id } = await countingApp(0)
  const { page, errors } = await openPage(browser, telemetry.url ?? '')
  await eventually(() => statusOf(page)).toBe('Ready: running')
  expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe(`dashboard-${id}`)

  // Live: rates appear on the edges when records flow.
  const edge = page.locator('[data-edge="orders>count"]')
  await write(Array.from({ length: 50 }, (_, i) => ({ key: `k${i % 5}`, value: 'v' })))
  await eventually(() => edge.textContent()).toMatch(/^[1-9][\d.]*\/s$/)

  await write([{ key: HOSTILE, value: HOSTILE }])
  await app.caughtUp()
  await go(page, 'Partitions')
  const rows = page.locator('#partitions tbody tr')
  await eventually(() => rows.count()).toBe(2)
  const givenUp = () => rows.locator('td:nth-of-type(7)').allTextContents()
  await eventually(async () => new Set(await givenUp())).toEqual(new Set(['0', '1']))
  await eventually(() => rows.locator('td:nth-of-type(1)').allTextContents()).toEqual(['0', '0'])
  for (const name of [/^batch sizes of the last minutes, at most [1-9]/, /^(records|age) \d+ %/])
    expect(await rows.getByRole('img', { name }).count()).toBeGreaterThan(0)
  await page.getByRole('searchbox').fill('nothing of that name')
  await eventually(() => rows.count()).toBe(0)

  await go(page, 'Stores')
  await eventually(() => page.locator('#stores tbody tr').count()).toBe(2)
  expect(await faultsOf(page)).toEqual([])

  await go(page, 'Dead letters')
  const letter = page.locator('.letters li')
  await eventually(() => letter.count()).toBe(1)
  await letter.locator('summary').click()
  expect(await letter.locator('pre').allTextContents()).toEqual([HOSTILE, HOSTILE])
  expect(await letter.locator('summary').textContent()).toContain(HOSTILE)
  expect(await page.locator('main img, main script').count()).toBe(0)
  // Each is sent once, and kept by the page.
  const [answer] = await Promise.all([page.waitForResponse(/live\.json\?instance=.*&after=1$/), page.waitForRequest(/after=1$/)])
  expect(((await answer.json()) as { deadLetters: object[] }).deadLetters).toEqual([])
  expect(await letter.count()).toBe(1)
  await write([{ key: 'second', value: HOSTILE }])
  await eventually(() => letter.count()).toBe(2)
  await page.waitForRequest(/after=2$/)
  expect(await letter.locator('pre').first().textContent()).toBe('second')
  expect(await page.evaluate('globalThis.pwned')).toBeUndefined()

  await go(page, 'Time line')
  await eventually(() => page.locator('.timeline li').allInnerTexts()).toContainEqual(expect.stringContaining('rebalancing → running'))
  expect(errors).toEqual([])
  await page.close()
  await close()
})

test('an application that goes away and comes back is told, by what there was and what there is', LIMIT, async () => {
  const first = await countingApp(0)
  const port = Number(new URL(first.telemetry.url ?? '').port)
  const { page } = await openPage(browser, first.telemetry.url ?? '')
  await eventually(() => statusOf(page)).toBe('Ready: running')
  await first.close()
  await eventually(() => statusOf(page)).toMatch(/^Away.*What is shown is of/)
  expect(await faultsOf(page)).toEqual([])
  const second = await countingApp(port)
  await eventually(() => page.getByRole('heading', { level: 1 }).innerText()).toBe(`dashboard-${second.id}`)
  await eventually(() => statusOf(page)).toBe('Ready: running')
  await page.close()
  await second.close()
})

test('with a token it asks for that, and says when it is refused', LIMIT, async () => {
  const token = 'a-token-of-32-characters-0123456'
  const { telemetry, close } = await countingApp(0, token)
  const { page } = await openPage(browser, telemetry.url ?? '')
  const field = page.getByLabel('Token')
  await field.fill('another')
  await page.getByRole('button', { name: 'Connect' }).click()
  await eventually(() => page.getByRole('alert').innerText()).toBe('This token was refused.')
  await field.fill(token)
  await page.keyboard.press('Enter')
  await eventually(() => statusOf(page)).toBe('Ready: running')
  await page.close()
  await close()
})

/** A source, four ways of eleven steps behind it, and a sink at the end of each. */
function wideTopology(topics: { readonly input: string; readonly output: string }) {
  const builder = new TopologyBuilder('wide')
  const checked = builder.source('orders', { topics: [topics.input], ...pair }).process<string, string>('check', (record, context) => {
    if (record.value.startsWith(HOSTILE)) throw new Error(HOSTILE)
    context.forward(record)
  })
  for (const way of ['north', 'east', 'south', 'west']) {
    let step = checked.filter(`${way}-0`, ({ value }) => value.startsWith(way))
    for (let i = 1; i < 11; i++) step = step.map(`${way}-${i}`, (record) => record)
    step.sink(`${way}-sink`, { topic: topics.output, ...pair })
  }
  return builder.build()
}

/** Runs it on the broker. */
async function wideApp(partitions: number) {
  const folder = await temporaryFolder()
  const id = randomUUID().slice(0, 8)
  const transport = kafka({ brokers: inject('kafkaBrokers') })
  const log = await LogClient.open(transport)
  const topics = { input: `wide-${id}`, output: `wide-out-${id}`, dead: `wide-dead-${id}` }
  await log.createTopics({ [topics.input]: partitions, [topics.output]: 1, [topics.dead]: 1 })
  const values = ['north', 'east', 'south', 'west']
  const records = Array.from({ length: partitions }, (_, partition) => ({
    key: `k${partition}`,
    value: values[partition % 4] ?? '',
    partition,
  }))
  await log.write(topics.input, pair, [...records, { key: HOSTILE, value: HOSTILE.repeat(50), partition: 0 }])
  const definition = defineApp({
    topology: wideTopology(topics),
    applicationId: `wide-${id}`,
    transport,
    stateDir: folder.path,
    logger: silentLogger,
    batch: { size: 10, timeoutMs: 5, maxRetries: 0 },
    failure: { process: 'dead-letter', deadLetter: { topic: topics.dead } },
  })
  const telemetry = observed(definition, { http: { port: 0 }, sampleEveryMs: 200 })
  const app = await start(telemetry.definition)
  await telemetry.attach(app)
  const running = app.run()
  await app.caughtUp()
  const close = async () => {
    await app.close()
    await running
    await telemetry.close()
    await log.admin.deleteTopics(Object.values(topics))
    await log[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  }
  return { url: telemetry.url ?? '', close }
}

test(
  'axe-core finds nothing in any view of an application of 200 partitions and 50 nodes, in light and dark, on a phone and a desk',
  LIMIT,
  async () => {
    const { url, close } = await wideApp(200)
    for (const { background, ...look } of [
      { colorScheme: 'light', viewport: { width: 1_280, height: 900 }, background: 'rgb(255, 255, 255)' },
      { colorScheme: 'dark', viewport: { width: 360, height: 740 }, background: 'rgb(13, 17, 23)' },
    ] as const) {
      const { page, errors } = await openPage(browser, url, look)
      const rows = page.locator('#partitions tbody tr')
      await eventually(() => page.locator('.graph .node').count()).toBe(50)
      expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe(background)
      for (const view of ['Topology', 'Partitions', 'Stores', 'Dead letters', 'Time line']) {
        await go(page, view)
        expect(await rows.count()).toBe(view === 'Partitions' ? 50 : 0)
        for (const all of await page.getByRole('button', { name: 'Show all 200' }).all()) await all.click()
        for (const details of await page.locator('main details').all()) await details.locator('summary').click()
        expect(await rows.count()).toBe(view === 'Partitions' ? 200 : 0)
        expect([view, await faultsOf(page)]).toEqual([view, []])
        expect([view, await page.evaluate('document.documentElement.scrollWidth')]).toEqual([view, look.viewport.width])
      }
      expect(errors).toEqual([])
      await page.close()
    }
    await close()
  },
)

test('200 partitions and 50 nodes are reached by keyboard, and named for who listens', LIMIT, async () => {
  const served = await serveAnswers(dashboardFiles, () => manyPartitions(200, 50))
  const { page } = await openPage(browser, served.url)
  await eventually(() => page.locator('.graph .node').count()).toBe(50)
  const focused: string[] = []
  for (let i = 0; i < 8; i++) {
    await page.keyboard.press('Tab')
    focused.push(String(await page.evaluate('document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent')))
  }
  expect(focused).toEqual([
    ...['To the content', 'Topology', 'Partitions', 'Stores', 'Dead letters', 'Time line'],
    ...['Topology, scrollable', 'The same as a table'],
  ])
  await page.keyboard.press('Enter')
  await eventually(() => page.getByRole('row', { name: /source-0 processor-1 default/ }).count()).toBe(1)
  await page.keyboard.press('Shift+Tab')
  await go(page, 'Partitions')
  expect(await page.getByRole('table', { name: /200 partitions, lag [\d,]+ in all/ }).count()).toBe(1)
  expect(await page.getByRole('img', { name: 'records 75 %, age 25 %' }).count()).toBe(50)
  await page.getByRole('combobox').selectOption('name')
  await eventually(() => page.getByRole('img', { name: 'records 25 %, order 50 %, punctuate 25 %' }).count()).toBe(1)
  expect(await page.getByRole('link', { name: 'Partitions' }).getAttribute('aria-current')).toBe('page')
  await go(page, 'Stores')
  expect(await page.getByRole('progressbar', { name: /Restoring counts of task 0_0/ }).count()).toBe(1)
  const standbys = page.getByRole('table', { name: 'Standbys of tasks that are elsewhere' }).getByRole('row')
  expect((await standbys.allInnerTexts()).map((text) => text.split('\t'))).toEqual([
    ['Store', 'Task', 'State', 'Records to go', 'Records written'],
    ['counts', '1_0', 'up to date', '0', '1,200'],
    ['counts', '1_1', 'failed, and is tried again', '70', '0'],
  ])
  expect(await faultsOf(page)).toEqual([])
  await page.close()
  await served.close()
})
