import { randomUUID } from 'node:crypto'
import { expect, inject, test } from 'vitest'
import { defineApp, serdes, silentLogger, start } from 'millrace'
import { kafka } from 'millrace/kafka'
import { leveldb } from 'millrace/leveldb'
import { observed } from 'millrace/telemetry'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { countWords, inputSerdes, outputSerdes, someLines, wordCountTopology } from './support/word-count-topology.ts'

const counts = leveldb.keyValueStore({ name: 'counts', key: serdes.string, value: serdes.safeInt64 })

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

/** One of two processes of an application, as far as the group can tell. */
async function member(transport: ReturnType<typeof kafka>, { topics, id }: { topics: { input: string; output: string }; id: string }) {
  const folder = await temporaryFolder()
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
    { http: { port: 0, advertise: true }, sampleEveryMs: 1, tracing: true, compatibleNames: true },
  )
  const app = await start(telemetry.definition)
  await telemetry.attach(app)
  const running = app.run()
  const close = async () => {
    await app.close()
    await running
    await telemetry.close()
    await folder[Symbol.asyncDispose]()
  }
  const ask = (path: string) => fetch(`${telemetry.url}${path}`)
  return { app, telemetry, close, ask }
}

test('on a broker, two processes tell their lag under exactly-once, and each where the keys of the other are', async () => {
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
  const members = [await member(transport, { topics, id }), await member(transport, { topics, id })]
  await expect.poll(() => members.every(({ app }) => app.state === 'running' && app.health().tasks.length > 0)).toBe(true)
  await Promise.all(members.map(({ app }) => app.caughtUp()))

  let processed = 0
  for (const { ask } of members) {
    expect(await (await ask('/health/ready')).json()).toMatchObject({ ready: true })
    const metrics = await (await ask('/metrics')).text()
    const lags = [...metrics.matchAll(/^millrace_lag_records\{.*\} (\d+)$/gm)].map(([, lag]) => Number(lag))
    expect(lags.length).toBeGreaterThan(0)
    // The end of what is committed: markers of transactions do not count as behind.
    expect(new Set(lags)).toEqual(new Set([0]))
    processed += Number(/millrace_records_total\{[^}]*node="count"[^}]*\} (\d+)/.exec(metrics)?.[1] ?? 0)
  }
  const words = countWords(lines)
  expect(processed).toBeGreaterThanOrEqual([...words.values()].reduce((sum, count) => sum + count, 0))

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
})
