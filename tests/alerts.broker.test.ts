import { randomUUID } from 'node:crypto'
import type { Page } from 'playwright-core'
import { expect, inject, test } from 'vitest'
import { serdes } from 'millrace'
import { kafka } from 'millrace/kafka'
import { inMemory } from 'millrace/memory'
import { alertRules, checkAlerts, OF_PROMETHEUS, type Phase, type Scrape, scrapeOf, type Story } from './support/alert-stories.ts'
import { openBrowser } from './support/browser.ts'
import { eventually, faultsOf, go, openPage, statusOf } from './support/dashboard-page.ts'
import { deferred } from './support/deferred.ts'
import { heldStore } from './support/held-store.ts'
import { LogClient } from './support/log-client.ts'
import type { Sample } from './support/monitoring.ts'
import { member, orderSerdes, type SignalsMember, TOKEN } from './support/signals-member.ts'

/** Machines that are starved are waited for. */
const PATIENCE = { timeout: 90_000, interval: 50 }
const KEYS = 5_000

const counts = inMemory.keyValueStore({ name: 'counts', key: serdes.string, value: serdes.safeInt64 })

type Write = (...records: { key: string; value: string; partition: number }[]) => Promise<void>

/** The sum of all series of that name. */
function sumOf({ samples }: Scrape, name: string): number {
  return samples.filter((sample) => sample.name === name).reduce((sum, { value }) => sum + value, 0)
}

/** What a process tells before and after something; brokers have told it its lag meanwhile, and `until` holds. */
async function phase(
  one: SignalsMember,
  between: () => Promise<void> = async () => undefined,
  until: (from: Scrape, to: Scrape) => boolean = () => true,
): Promise<Omit<Phase, 'minutes'>> {
  const from = await scrapeOf(one)
  await between()
  let to = from
  const isTold = async () => {
    to = await scrapeOf(one)
    return sumOf(to, 'millrace_lag_timestamp_seconds') > sumOf(from, 'millrace_lag_timestamp_seconds') && until(from, to)
  }
  await expect.poll(isTold, PATIENCE).toBe(true)
  return { from, to }
}

/** Everything is processed, and committed. */
async function settled({ app }: SignalsMember): Promise<void> {
  await app.caughtUp()
  await app.commit()
}

const countOf = (n: number, partition = 0) => Array.from({ length: n }, (_, i) => ({ key: `key-${i}`, value: 'count', partition }))
const grows =
  (name: string, by = 1) =>
  (from: Scrape, to: Scrape) =>
    sumOf(to, name) >= sumOf(from, name) + by

test(
  'on a broker, what goes wrong is seen in the dashboard, and each alert fires on what is told then, and no other',
  { timeout: 300_000 },
  async () => {
    const consumer = { 'session.timeout.ms': 60_000, 'heartbeat.interval.ms': 500 }
    const transport = kafka({ brokers: inject('kafkaBrokers'), consumer })
    const id = randomUUID().slice(0, 8)
    const topics = { input: `alerts-in-${id}`, output: `alerts-out-${id}`, dead: `alerts-dead-${id}` }
    await using log = await LogClient.open(transport)
    await log.createTopics({ [topics.input]: 2, [topics.output]: 1, [topics.dead]: 1 })
    const write: Write = (...records) => log.write(topics.input, orderSerdes, records)

    const before = await member(transport, { topics, id, counts, hotStandby: false })
    void before.run()
    await before.app.caughtUp()
    const p99 = 'millrace_event_loop_delay_p99_seconds'
    const busy = () => write({ key: 'busy', value: 'busy', partition: 0 })
    let blocked = await phase(before)
    const blockedFor = async () => {
      await busy()
      await settled(before)
      blocked = await phase(before)
      return sumOf(blocked.to, p99)
    }
    await expect.poll(blockedFor, PATIENCE).toBeGreaterThan(0.5)
    await write(...countOf(KEYS))
    await before.app.caughtUp()
    await before.close()

    const disk = heldStore(counts)
    const one = await member(transport, { topics, id, counts: disk.store, hotStandby: false })
    await using browser = await openBrowser()
    const { page, errors } = await openPage(browser, one.url)
    await page.getByLabel('Token').fill(TOKEN)
    await page.keyboard.press('Enter')
    void one.run()
    await showsRestore(page)
    const restoring = await phase(one)
    disk.release()
    await eventually(() => page.getByRole('progressbar').count()).toBe(0)
    await eventually(() => statusOf(page)).toBe('Ready: running')
    await eventually(() => page.locator('#stores tbody').innerText()).toMatch(/0_0[^]*[1-9][\d,]* records in [\d.]+ s/)

    const healthy = await phase(one, () => write(...countOf(100)), grows('millrace_commit_seconds_count'))
    const failing = await phase(
      one,
      () => write({ key: 'a', value: 'skip', partition: 0 }, { key: 'b', value: 'dead', partition: 0 }),
      (...both) =>
        ['millrace_records_skipped_total', 'millrace_records_dead_lettered_total', 'millrace_commit_seconds_count'].every((name) =>
          grows(name)(...both),
        ),
    )
    const { stuck, uncommitted, again } = await standsStill(one, write)
    const open = await opensCircuits(one, write, page)

    await write({ key: 'last', value: 'fatal', partition: 1 })
    await eventually(() => statusOf(page)).toMatch(/^Not ready: (pending-)?error$/)
    const hasEnded = ({ labels, name, value }: Sample) => name === 'millrace_state' && labels['state'] === 'error' && value === 1
    const failed = await phase(one, undefined, (_, to) => to.samples.some(hasEnded))
    expect(errors).toEqual([])
    await one.close()

    const application = `signals-${id}`
    const { instance } = OF_PROMETHEUS
    const notReady = { alert: 'MillraceNotReady', labels: { application, instance } }
    const circuits = ['count', 'rows'].map((node) => ({ alert: 'MillraceCircuitOpen', labels: { application, node } }))
    const of = (alert: string, labels: object = {}) => ({ alert, labels: { application, ...labels } })
    const after = (next: Omit<Phase, 'minutes'>, ...alerts: Story['alerts']): Story => ({
      phases: [
        { ...healthy, minutes: 10 },
        { ...next, minutes: 20 },
      ],
      alerts,
    })
    const place = { topic: topics.input, partition: '0' }
    const stories: readonly Story[] = [
      after(healthy),
      { phases: [{ ...healthy, minutes: 10 }], goneMinutes: 5, alerts: [of('MillraceGone')] },
      { phases: [{ ...blocked, minutes: 10 }], alerts: [of('MillraceEventLoopBlocked', { instance })] },
      { phases: [{ ...restoring, minutes: 25 }], alerts: [notReady, of('MillraceRestoreSlow', { store: 'counts' })] },
      after(failing, of('MillraceDeadLetters', { node: 'count' }), of('MillraceRecordsSkipped', { node: 'count' })),
      after(stuck, notReady, of('MillraceLagGrows', { topic: topics.input }), of('MillracePartitionStuck', { ...place, ...OF_PROMETHEUS })),
      after(uncommitted, of('MillraceNothingCommitted')),
      after(again, of('MillraceRebalancesRepeat'), of('MillraceRecoveriesRepeat', { stage: 'commit' })),
      after(open, notReady, ...circuits, of('MillracePartitionStuck', { ...place, ...OF_PROMETHEUS })),
      after(failed, notReady, of('MillraceFailed', { instance })),
    ]
    await checkAlerts(stories)
    // That of lag that nobody tells is shown where the network can stand still, that of threads where there are several.
    const fired = new Set(stories.flatMap(({ alerts }) => alerts.map(({ alert }) => alert)))
    expect(alertRules.map(({ alert }) => alert).filter((alert) => !fired.has(alert))).toEqual(['MillraceLagUnknown', 'MillraceThreadsDie'])
  },
)

/** A restore that has come some way, and does not go on. */
async function showsRestore(page: Page): Promise<void> {
  await eventually(() => statusOf(page)).toMatch(/^Not ready: /)
  await go(page, 'Stores')
  const bar = page.getByRole('progressbar', { name: /^Restoring counts of task 0_0 \(progress\): [1-9][\d,]* records to go/ })
  await eventually(() => bar.count()).toBe(1)
  const [value, max] = await bar.evaluate((element: { value: number; max: number }) => [element.value, element.max])
  expect(value).toBeGreaterThan(0)
  expect(value).toBeLessThan(max ?? 0)
  expect(max).toBeGreaterThanOrEqual(KEYS)
  const problem = page.locator('.problems li')
  await eventually(() => problem.allInnerTexts()).toContainEqual(
    expect.stringMatching(/^restoring Store 'counts' of task 0_0 is being restored: at most \d+/),
  )
  expect(await faultsOf(page)).toEqual([])
}

/** A pass that does not end while records come in, a sink that does not say that anything is stored, and one that fails again and again. */
async function standsStill(one: SignalsMember, write: Write) {
  await write({ key: 'held', value: 'hold', partition: 0 })
  await expect.poll(one.reasons, PATIENCE).toEqual(['stuck'])
  await phase(one, () => write(...countOf(6_000)), grows('millrace_lag_records', 6_000))
  const stuck = await phase(one, () => write(...countOf(6_000)), grows('millrace_lag_records', 6_000))
  one.wishes.held.resolve()
  await expect.poll(one.ready, PATIENCE).toMatchObject({ ready: true })
  await settled(one)

  const stored = deferred()
  let asked = false
  one.rows.stored = () => {
    asked = true
    return stored.promise
  }
  await write(...countOf(1))
  await expect.poll(() => asked, PATIENCE).toBe(true)
  const uncommitted = await phase(one, () => write(...countOf(100)), grows('millrace_records_total', 100))
  let failures = 0
  const again = await phase(one, async () => {
    const from = await scrapeOf(one)
    one.rows.stored = async () => {
      if (failures++ === 0) throw new Error('the database is gone')
    }
    stored.resolve()
    await write(...countOf(1))
    await expect.poll(async () => grows('millrace_recoveries_total')(from, await scrapeOf(one)), PATIENCE).toBe(true)
    await settled(one)
  })
  return { stuck, uncommitted, again }
}

/** Of a node, and of a table of a sink. */
async function opensCircuits(one: SignalsMember, write: Write, page: Page) {
  one.rows.circuits.set('orders', 'open')
  const down = () => write({ key: 'down', value: 'down', partition: 0 })
  await expect.poll(() => down().then(one.reasons), PATIENCE).toEqual(['circuit-open', 'circuit-open'])
  await go(page, 'Partitions')
  const shown = page.locator('#partitions td strong')
  await eventually(async () => (await shown.allInnerTexts()).map((text) => text.trim())).toEqual(['circuit of count: open'])
  expect(await page.getByRole('list', { name: 'Circuits of sinks' }).innerText()).toBe('circuit of orders in sink rows: open')
  expect(await page.locator('header .problems li').allInnerTexts()).toHaveLength(2)
  expect(await faultsOf(page)).toEqual([])
  const open = await phase(one)
  one.rows.circuits.clear()
  return open
}
