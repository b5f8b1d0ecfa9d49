import { randomUUID } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { expect, inject, test } from 'vitest'
import { defineApp, serdes, silentLogger, start } from 'millrace'
import { kafka } from 'millrace/kafka'
import { leveldb } from 'millrace/leveldb'
import { observed } from 'millrace/telemetry'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { countWords, inputSerdes, outputSerdes, someLines, wordCountTopology } from './support/word-count-topology.ts'

const counts = leveldb.keyValueStore({ name: 'counts', key: serdes.string, value: serdes.safeInt64 })

const TOKEN = 'a-token-of-32-characters-0123456'
const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

/** One of two processes of an application, as far as the group can tell. */
async function member(transport: ReturnType<typeof kafka>, { topics, id }: { topics: { input: string; output: string }; id: string }) {
  const folder = await temporaryFolder()
  const spans = new InMemorySpanExporter()
  const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }).getTracer('test')
  const measured = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter: measured, exportIntervalMillis: 3_600_000 })
  const meters = new MeterProvider({ readers: [reader] })
  const logged: object[] = []
  const logger = { ...silentLogger, info: (fields: object, message: string) => void logged.push({ ...fields, message }) }
  const telemetry = observed(
    defineApp({
      topology: wordCountTopology({ counts, topics }),
      applicationId: `telemetry-${id}`,
      transport,
      stateDir: folder.path,
      logger: silentLogger,
      batch: { size: 100, timeoutMs: 5 },
      processingGuarantee: 'exactly-once',
    }),
    {
      http: { port: 0, advertise: true, token: TOKEN },
      ...{ sampleEveryMs: 1, compatibleNames: true },
      ...{ tracing: { tracer }, meter: meters.getMeter('test'), logs: { logger } },
    },
  )
  const app = await start(telemetry.definition)
  await telemetry.attach(app)
  const running = app.run()
  const close = async () => {
    await app.close()
    await running
    await telemetry.close()
    await meters.shutdown()
    await folder[Symbol.asyncDispose]()
  }
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`${telemetry.url}${path}`, { ...init, headers: { authorization: `Bearer ${TOKEN}` } })
  const metered = async () => {
    await reader.forceFlush()
    return measured
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics.map((one) => one.descriptor.name)))
  }
  return { app, telemetry, close, ask, spans, logged, metered }
}

test(
  'on a broker, two processes tell what they do in every way there is, and each where the keys of the other are',
  { timeout: 180_000 },
  async () => {
    const transport = kafka({ brokers: inject('kafkaBrokers'), consumer: { 'session.timeout.ms': 6_000, 'heartbeat.interval.ms': 500 } })
    const id = randomUUID().slice(0, 8)
    const topics = { input: `lines-${id}`, output: `word-counts-${id}` }
    await using log = await LogClient.open(transport)
    await log.createTopics({ [topics.input]: 4, [topics.output]: 4 })
    const lines = someLines(500)
    await log.write(
      topics.input,
      inputSerdes,
      lines.map((value) => ({ key: null, value, headers: [{ key: 'traceparent', value: Buffer.from(TRACE) }] })),
    )
    const stopped: { readonly count: number; readonly failed: number }[] = []
    const onStop = (batch: unknown) => void stopped.push(batch as (typeof stopped)[number])
    subscribe('millrace:batch:stop', onStop)
    const members = [await member(transport, { topics, id }), await member(transport, { topics, id })]
    const shared = () => members.every(({ app }) => app.state === 'running' && app.health().tasks.length > 0)
    await expect.poll(shared, { timeout: 60_000 }).toBe(true)
    await Promise.all(members.map(({ app }) => app.caughtUp()))

    let processed = 0
    for (const { ask } of members) {
      const patience = { timeout: 60_000 }
      await expect.poll(async () => (await ask('/health/ready')).json(), patience).toMatchObject({ ready: true })
      const scrape = async () => (await ask('/metrics')).text()
      const lags = (metrics: string) => [...metrics.matchAll(/^millrace_lag_records\{.*\} (\d+)$/gm)].map(([, lag]) => Number(lag))
      // What brokers answer late is shown the next time. The end is that of what is committed: markers of transactions do not count as behind.
      await expect.poll(async () => new Set(lags(await scrape())), patience).toEqual(new Set([0]))
      const metrics = await scrape()
      processed += Number(/millrace_records_total\{[^}]*node="count"[^}]*\} (\d+)/.exec(metrics)?.[1] ?? 0)
    }
    const words = countWords(lines)
    expect(processed).toBeGreaterThanOrEqual([...words.values()].reduce((sum, count) => sum + count, 0))

    // In each of the other ways, by whoever has processed it.
    const spans = members.flatMap((one) => one.spans.getFinishedSpans())
    for (const { attributes } of spans) expect(attributes).toMatchObject({ 'messaging.system': 'kafka', 'millrace.outcome': 'done' })
    const reading = spans.filter(({ name }) => name === `process ${topics.input}`)
    expect(new Set(reading.map(({ parentSpanContext }) => parentSpanContext?.traceId))).toEqual(new Set([TRACE.slice(3, 35)]))
    const metered = (await Promise.all(members.map((one) => one.metered()))).flat()
    expect(metered).toEqual(expect.arrayContaining(['millrace.records', 'millrace.lag.records', 'messages.processed.count']))
    const line = { application: `telemetry-${id}`, message: 'batches were processed' }
    const logged = members.flatMap((one) => one.logged)
    expect(logged).toContainEqual(expect.objectContaining({ ...line, offset: expect.any(Number) as unknown }))
    for (const { app, ask } of members) {
      for (const path of ['/metrics.json', '/topology', '/tasks', '/stores', '/live.json'])
        expect([path, (await ask(path)).status]).toEqual([path, 200])
      expect((await ask('/batching', { method: 'PATCH', body: '{"size":7}' })).status).toBe(200)
      const sizes = () => new Set(app.health().tasks.flatMap(({ partitions }) => partitions.map(({ batchSize }) => batchSize)))
      await expect.poll(sizes, { timeout: 60_000 }).toEqual(new Set([7]))
    }
    unsubscribe('millrace:batch:stop', onStop)
    expect(stopped.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThanOrEqual(lines.length)
    expect(stopped.filter(({ failed }) => failed > 0)).toEqual([])

    const addresses = members.map(({ telemetry: { url } }) => url?.replace('http://', ''))
    for (const [word, count] of [...words].slice(0, 20)) {
      const answers = await Promise.all(members.map(async ({ ask }) => (await ask(`/stores/counts/${encodeURIComponent(word)}`)).json()))
      const here = answers.findIndex((answer) => typeof answer === 'object' && answer !== null && 'value' in answer)
      expect(answers[here]).toEqual({ store: 'counts', key: word, value: count })
      expect(answers[1 - here]).toMatchObject({ address: addresses[here] })
    }
    for (const { close } of members) await close()

    // Through a processor of single records, a repartition topic and one of batches that forwards no headers.
    const traces = (await log.readAll(topics.output, outputSerdes)).map(({ headers }) =>
      headers.map(({ key, value }) => `${key} ${Buffer.from(value ?? []).toString()}`).join(),
    )
    expect(new Set(traces)).toEqual(new Set([`traceparent ${TRACE}`]))
  },
)
