import { randomUUID } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect, test } from 'vitest'
import { type Headers, type RuntimeEvent, serdes } from 'millrace'
import { kafka } from 'millrace/kafka'
import { TcpProxy } from '../tools/broker/tcp-proxy.mjs'
import { checkAlerts, OF_PROMETHEUS, scrapeOf } from './support/alert-stories.ts'
import { LogClient } from './support/log-client.ts'
import { isOfThreads, missingIn, monitoringExpressions } from './support/monitoring.ts'
import { ownBroker } from './support/own-broker.ts'
import { member, orderSerdes, type SignalsMember, type SignalsTopics } from './support/signals-member.ts'

/** Processes and machines that are starved are waited for. */
const PATIENCE = { timeout: 90_000, interval: 50 }
const PARTITIONS = 2

const traceId = (n: number) => String(n).padStart(32, 'a')
const traced = (n: number): Headers => [
  { key: 'traceparent', value: Buffer.from(`00-${traceId(n)}-${String(n).padStart(16, 'b')}-01`) },
  { key: 'tenant', value: Buffer.from('seven') },
]
const textOf = (headers: Headers) => Object.fromEntries(headers.map(({ key, value }) => [key, Buffer.from(value ?? []).toString()]))

test(
  'on a broker, every state of health, every series of the dashboard and the alerts, spans, checkpoints, channels and lines of the log are there when they are needed',
  { timeout: 300_000 },
  async () => {
    await using proxy = await TcpProxy.open()
    await using broker = await ownBroker({ proxyPorts: [proxy.port] })
    proxy.forwardTo(broker.proxied[0])
    const consumer = { 'session.timeout.ms': 60_000, 'heartbeat.interval.ms': 500 }
    const direct = kafka({ brokers: broker.brokers, consumer })
    const id = randomUUID().slice(0, 8)
    const topics = { input: `in-${id}`, output: `out-${id}`, dead: `dead-${id}` }
    await using log = await LogClient.open(direct)
    await log.createTopics({ [topics.input]: PARTITIONS, [topics.output]: 1, [topics.dead]: 1 })
    const write = (...records: { key: string; value: string; partition?: number; headers?: Headers }[]) =>
      log.write(topics.input, orderSerdes, records)
    await write(...Array.from({ length: 500 }, (_, i) => ({ key: `before-${i}`, value: 'count', partition: i % PARTITIONS })))

    // State that another process has left behind.
    const before = await member(direct, { topics, id })
    void before.run()
    await before.app.caughtUp()
    await before.close()

    // When it has its tasks, and before it has their state, the network stands still.
    let isCut = false
    const cut = ({ type }: RuntimeEvent) => {
      if (type !== 'assigned' || isCut) return
      isCut = true
      proxy.standStill()
    }
    const first = await member(kafka({ brokers: proxy.address, consumer }), { topics, id, onEvent: cut })
    expect(await first.reasons()).toEqual(['not-running'])
    void first.run()
    expect(await first.reasons()).toContain('rebalancing')
    await expect.poll(first.reasons, PATIENCE).toContain('restoring')
    await expect.poll(first.reasons, PATIENCE).toContain('brokers-away')
    expect((await first.ask('/health/live')).status).toBe(200)
    await proxy.goOn()
    await expect.poll(first.ready, PATIENCE).toMatchObject({ ready: true })

    // Twice, while brokers answer nothing: what was asked before has its answer by then.
    proxy.standStill()
    const [from, to] = [await scrapeOf(first), await scrapeOf(first)]
    await proxy.goOn()
    const labels = { application: `signals-${id}`, ...OF_PROMETHEUS }
    await checkAlerts([{ phases: [{ from, to, minutes: 10 }], alerts: [{ alert: 'MillraceLagUnknown', labels }] }])

    await showsRecords(first, { log, topics, write })

    // A pass that does not end.
    await write({ key: 'held', value: 'hold', partition: 1 })
    const stuck = { reason: 'stuck', partition: 1, detail: expect.stringContaining(`records of ${topics.input}-1`) as unknown }
    await expect.poll(first.ready, PATIENCE).toMatchObject({ ready: false, problems: [stuck] })
    const inFlight = (await first.scrape()).filter(({ name }) => name === 'millrace_in_flight_batches')
    expect(Object.fromEntries(inFlight.map(({ labels, value }) => [labels['partition'], value]))).toEqual({ 0: 0, 1: 1 })
    first.wishes.held.resolve()
    await expect.poll(first.ready, PATIENCE).toMatchObject({ ready: true })

    // Another process takes a part, and follows the rest.
    const second = await member(direct, { topics, id })
    void second.run()
    const members = [first, second]
    await expect.poll(() => new Set(members.flatMap((one) => one.partitions())), PATIENCE).toEqual(new Set([0, 1]))
    await expect.poll(() => members.map((one) => one.partitions().length), PATIENCE).toEqual([1, 1])
    for (const one of members) await expect.poll(one.ready, PATIENCE).toMatchObject({ ready: true })
    const standbys = async () => (await second.scrape()).filter(({ name }) => name === 'millrace_standby_remaining_records')
    await expect.poll(async () => (await standbys()).map(({ value }) => value), PATIENCE).toEqual([0])
    for (const one of members) {
      const told = async () => (await one.scrape()).filter(({ name }) => name === 'millrace_lag_records')
      // What brokers answer late is shown the next time.
      await expect.poll(async () => (await told()).map(({ labels }) => Number(labels['partition'])), PATIENCE).toEqual(one.partitions())
    }

    // What it calls is down: its own node, and a table of its sink.
    const [partition = 0] = first.partitions()
    first.rows.circuits.set('orders', 'open')
    await expect
      .poll(async () => {
        await write({ key: 'down', value: 'down', partition })
        return (await first.ready()).problems.map(({ reason, detail }) => `${reason} ${detail.includes("'orders'") ? 'rows' : 'count'}`)
      }, PATIENCE)
      .toEqual(['circuit-open rows', 'circuit-open count'])
    const scraped = (await Promise.all(members.map((one) => one.scrape()))).flat()
    first.rows.circuits.clear()
    const asked = monitoringExpressions(`signals-${id}`).filter((expression) => !isOfThreads(expression))
    expect(missingIn(asked, scraped)).toEqual([])

    await failsAsAWhole(second, { topics, write, id })
    for (const one of members) await one.close()
  },
)

interface Writing {
  readonly topics: SignalsTopics
  readonly write: (...records: { key: string; value: string; partition?: number; headers?: Headers }[]) => Promise<void>
}

/** Records that are processed, retried, skipped, made dead letters, and what is said of them. */
async function showsRecords(one: SignalsMember, { log, topics, write }: Writing & { readonly log: LogClient }): Promise<void> {
  const about = { topic: topics.input, partition: 0 }
  one.lines.length = 0
  await write(
    { key: 'a', value: 'count', partition: 0, headers: traced(1) },
    { key: 'b', value: 'once', partition: 0, headers: traced(2) },
    { key: 'c', value: 'skip', partition: 0 },
    { key: 'd', value: 'dead', partition: 0, headers: traced(1) },
  )
  await log.write(topics.input, { key: serdes.string, value: serdes.string }, [{ key: 'e', value: '{ no JSON', partition: 0 }])
  await one.app.caughtUp()

  const sumOf = (samples: Awaited<ReturnType<SignalsMember['scrape']>>, name: string) =>
    samples.filter((sample) => sample.name === name).reduce((sum, { value }) => sum + value, 0)
  const samples = await one.scrape()
  const names = ['failed', 'skipped', 'dead_lettered', 'retried'].map((name) => `millrace_records_${name}_total`)
  const [failed, skipped, deadLettered, retried] = names.map((name) => sumOf(samples, name))
  expect([failed, skipped, deadLettered]).toEqual([3, 1, 2])
  expect(retried).toBeGreaterThan(0)
  for (const name of [
    'millrace_commit_seconds_count',
    'millrace_flush_seconds_count',
    'millrace_store_entries',
    'millrace_restored_records_total',
  ])
    expect([name, sumOf(samples, name) > 0]).toEqual([name, true])

  // A span is linked to each trace that its records are in; what comes of them, dead letters too, goes on there.
  const linked = one.spans.getFinishedSpans().flatMap(({ links }) => links.map(({ context: of }) => of.traceId))
  expect(new Set(linked)).toEqual(new Set([traceId(1), traceId(2)]))
  const written = await log.readAll(topics.output, { key: serdes.string, value: serdes.safeInt64 })
  const of = new Map(written.map(({ key, headers }) => [key, textOf(headers)]))
  for (const [key, n] of [
    ['a', 1],
    ['b', 2],
  ] as const)
    // prettier-ignore
    expect(of.get(key)).toEqual({ traceparent: textOf(traced(n))['traceparent'], checkpoint: `to ${topics.output}` })
  const dead = (await log.readAll(topics.dead, { key: serdes.string, value: serdes.string })).map(({ headers }) => textOf(headers))
  expect(dead).toContainEqual(expect.objectContaining({ traceparent: textOf(traced(1))['traceparent'], tenant: 'seven' }))
  expect(one.consumed).toContainEqual({ ...about, first: ['traceparent', 'tenant'] })

  const told = (level: number, msg: string) => one.lines.filter((line) => line['level'] === level && line['msg'] === msg)
  const line = { application: expect.stringMatching(/^signals-/) as unknown, task: '0_0', ...about, offset: expect.any(Number) as unknown }
  expect(told(20, 'a record failed')).toContainEqual(expect.objectContaining({ ...line, node: 'count', policy: 'skip' }))
  const failures = expect.arrayContaining([expect.objectContaining({ node: 'count', reason: 'it says skip' })]) as unknown
  expect(told(40, 'records of a batch failed')).toContainEqual(expect.objectContaining({ ...line, failures }))
  // What could not be read was in no batch.
  expect(told(40, 'records failed')).toContainEqual(expect.objectContaining({ ...line, failed: 1 }))
  expect(told(30, 'batches were processed')).toContainEqual(expect.objectContaining(line))
}

/** A record that stops the application. */
async function failsAsAWhole(one: SignalsMember, { topics, write, id }: Writing & { readonly id: string }): Promise<void> {
  const [partition = 0] = one.partitions()
  const published: { readonly name: string | symbol; readonly task?: string }[] = []
  const onPublished = (batch: unknown, name: string | symbol) => void published.push({ name, ...(batch as object) })
  const channels = ['millrace:batch:start', 'millrace:batch:error', 'millrace:batch:stop']
  for (const channel of channels) subscribe(channel, onPublished)
  await write({ key: 'last', value: 'fatal', partition })
  await expect.poll(one.reasons, PATIENCE).toEqual(['failed'])
  for (const channel of channels) unsubscribe(channel, onPublished)

  const batch = { application: `signals-${id}`, task: `0_${partition}`, topic: topics.input, partition, count: 1 }
  // Whoever takes the record over next finds no better.
  expect(published.filter(({ task }) => task === batch.task).slice(0, 3)).toEqual([
    expect.objectContaining({ name: 'millrace:batch:start', ...batch }),
    expect.objectContaining({ name: 'millrace:batch:error', ...batch, error: expect.any(Error) as unknown }),
    expect.objectContaining({ name: 'millrace:batch:stop', ...batch, failed: 1, duration: expect.any(Number) as unknown }),
  ])
  const line = { level: 50, msg: 'a batch failed', topic: topics.input, partition, records: 1 }
  expect(one.lines).toContainEqual(
    expect.objectContaining({ ...line, err: expect.objectContaining({ stack: expect.any(String) as unknown }) as unknown }),
  )
  expect(one.spans.getFinishedSpans().filter(({ attributes }) => attributes['millrace.outcome'] === 'failed')).toMatchObject([
    { status: { code: 2 }, events: [{ name: 'exception' }] },
  ])
  expect((await one.ask('/health/live')).status).toBe(503)
  const states = (await one.scrape()).filter(({ name, value }) => name === 'millrace_state' && value === 1)
  expect(states.map(({ labels }) => labels['state'])).toEqual([expect.stringMatching(/^(pending-)?error$/)])
}
