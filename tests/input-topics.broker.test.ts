import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, inject, test } from 'vitest'
import { type AppDefinition, defineApp, MillraceError, serdes, silentLogger, start, TopologyBuilder } from 'millrace'
import { kafka } from 'millrace/kafka'
import { inMemory } from 'millrace/memory'
import { containing } from './support/containing.ts'
import { LogClient } from './support/log-client.ts'
import { addPartitions } from './support/add-partitions.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const brokers = inject('kafkaBrokers')
const pair = { key: serdes.string, value: serdes.string }
const seen = inMemory.keyValueStore({ name: 'seen', ...pair })
// New topics and partitions are found when the client looks again at what there is.
const transport = kafka({ brokers, consumer: { 'topic.metadata.refresh.interval.ms': 500 } })

interface Copy {
  readonly from: string | RegExp
  readonly to: string
  /** Keeps state, which a stateless copy does not need. */
  readonly stateful?: boolean
}

async function setUp({ from, to, stateful = false }: Copy, overrides: Partial<AppDefinition> = {}) {
  const folder = await temporaryFolder()
  const builder = new TopologyBuilder('copy')
  builder
    .source('in', { topics: [from], ...pair })
    .process<string, string>(
      'copy',
      (record, context) => {
        if (stateful) context.store(seen).set(record.key, record.value)
        context.forward(record)
      },
      { stores: stateful ? [seen] : [] },
    )
    .sink('out', { topic: to, ...pair })
  const definition = defineApp({
    topology: builder.build(),
    applicationId: `copy-${randomUUID().slice(0, 8)}`,
    transport,
    stateDir: folder.path,
    logger: silentLogger,
    batch: { size: 10, timeoutMs: 5 },
    commit: { intervalMs: 50 },
    ...overrides,
  })
  return { open: () => start(definition), [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() }
}

function names() {
  const id = randomUUID().slice(0, 8)
  return { id, from: `in-${id}`, to: `out-${id}` }
}

describe.concurrent('an input topic', () => {
  test('that is missing at the start is named, with what to do', async () => {
    const { from, to } = names()
    await using copy = await setUp({ from, to })
    await expect(copy.open()).rejects.toMatchObject({
      code: 'TOPIC_MISSING',
      topic: from,
      message: containing('create it'),
    })
  })

  test('that gets more partitions while it is read is read whole, where nothing is kept by partition', async () => {
    const { from, to } = names()
    await using log = await LogClient.open(transport)
    await log.createTopics({ [from]: 1, [to]: 1 })
    await using copy = await setUp({ from, to })
    const app = await copy.open()
    const running = app.run()
    await log.write(from, pair, [{ key: 'a', value: 'before', partition: 0 }])
    await app.caughtUp()
    await addPartitions(brokers, from, 3)
    await log.write(from, pair, [
      { key: 'b', value: 'first', partition: 1 },
      { key: 'c', value: 'second', partition: 2 },
    ])
    await app.caughtUp()
    await app.close()
    await running
    expect((await log.readAll(to, pair)).map(({ value }) => value).toSorted()).toEqual(['before', 'first', 'second'])
  })

  test('that gets more partitions while it is read with state ends the application, which says why', async () => {
    const { from, to } = names()
    await using log = await LogClient.open(transport)
    await log.createTopics({ [from]: 1, [to]: 1 })
    await using copy = await setUp({ from, to, stateful: true })
    const app = await copy.open()
    const running = app.run()
    running.catch(() => undefined)
    await log.write(from, pair, [{ key: 'a', value: 'before' }])
    await app.caughtUp()
    await addPartitions(brokers, from, 2)
    await log.write(from, pair, [{ key: 'b', value: 'after', partition: 1 }])
    await expect(running).rejects.toMatchObject({
      code: 'PARTITION_COUNT',
      topic: from,
      message: containing('partitions added'),
    })
    expect((await log.readAll(to, pair)).map(({ value }) => value)).toEqual(['before'])
  })

  test('that has more partitions than at the last run, where state was kept, is refused at the start', async () => {
    const { from, to } = names()
    await using log = await LogClient.open(transport)
    await log.createTopics({ [from]: 1, [to]: 1 })
    await using copy = await setUp({ from, to, stateful: true })
    const app = await copy.open()
    const running = app.run()
    await app.close()
    await running
    await addPartitions(brokers, from, 2)
    await expect(copy.open()).rejects.toMatchObject({
      code: 'PARTITION_COUNT',
      message: containing('has 1 partitions but needs 2'),
    })
  })

  test('that begins to match a pattern while the application runs is read, and waited for', async () => {
    const { id, to } = names()
    await using log = await LogClient.open(transport)
    await log.createTopics({ [`early-${id}`]: 1, [to]: 1 })
    await using copy = await setUp({ from: new RegExp(`^(early|late)-${id}$`), to })
    const app = await copy.open()
    const running = app.run()
    await log.write(`early-${id}`, pair, [{ key: 'a', value: 'early' }])
    await app.caughtUp()
    await log.createTopics({ [`late-${id}`]: 2 })
    await log.write(`late-${id}`, pair, [{ key: 'b', value: 'late', partition: 1 }])
    await app.caughtUp()
    await app.close()
    await running
    expect((await log.readAll(to, pair)).map(({ value }) => value)).toEqual(['early', 'late'])
  })
})

/** Not beside others: what is measured is the whole process. */
describe('an input topic', () => {
  test('that is deleted while it is read is waited for, with a warning that names it, without spinning; a close is not held up', async () => {
    const { from, to } = names()
    await using log = await LogClient.open(transport)
    await log.createTopics({ [from]: 1, [to]: 1 })
    const warnings: unknown[] = []
    const logger = { ...silentLogger, warn: (fields: object) => void warnings.push((fields as { err?: unknown }).err) }
    await using copy = await setUp({ from, to }, { logger })
    await log.write(from, pair, [{ key: 'a', value: '1' }])
    const app = await copy.open()
    const running = app.run()
    await app.caughtUp()
    await log.admin.deleteTopics([from])
    while (!warnings.some((error) => error instanceof MillraceError && error.topic === from)) await pause(50)
    const cpu = process.cpuUsage()
    const since = performance.now()
    await pause(4_000)
    const { user, system } = process.cpuUsage(cpu)
    const load = (user + system) / 1_000 / (performance.now() - since)
    expect(app.state).not.toBe('error')
    const closing = performance.now()
    await app.close()
    await running
    const closedAfterMs = performance.now() - closing
    expect(closedAfterMs).toBeLessThan(20_000)
    // Of one core. Who asks without waiting takes a whole one, however fast the machine is.
    expect(load).toBeLessThan(0.5)
    expect(warnings.length).toBeLessThan(20)
    expect((await log.readAll(to, pair)).map(({ value }) => value)).toEqual(['1'])
  })
})

describe('an input topic that is deleted and made anew while it is read, with more records than before', () => {
  test('is read from its beginning, if it had been missed', async () => {
    const { from, to } = names()
    await using log = await LogClient.open(transport)
    await log.createTopics({ [from]: 1, [to]: 1 })
    let warnings = 0
    await using copy = await setUp({ from, to }, { logger: { ...silentLogger, warn: () => void warnings++ } })
    const records = (name: string, count: number) => Array.from({ length: count }, (_, i) => ({ key: 'a', value: `${name} ${i}` }))
    await log.write(from, pair, records('old', 3))
    const app = await copy.open()
    const running = app.run()
    await app.caughtUp()
    await log.admin.deleteTopics([from])
    while (warnings === 0) await pause(50)
    await log.createTopics({ [from]: 1 })
    await log.write(from, pair, records('new', 10))
    await app.caughtUp()
    await app.close()
    await running
    const expected = [...records('old', 3), ...records('new', 10)].map(({ value }) => value)
    expect((await log.readAll(to, pair)).map(({ value }) => value)).toEqual(expected)
  })

  /** Undefined: somebody noticed that the topic was away, and it is read from its beginning. */
  async function readOn(): Promise<{ readonly from: string; readonly failure: unknown } | undefined> {
    const { from, to } = names()
    await using log = await LogClient.open(transport)
    await log.createTopics({ [from]: 1, [to]: 1 })
    // Soon enough for the client to read the new topic before anybody looks at its id.
    const quick = kafka({ brokers, properties: { 'topic.metadata.refresh.interval.ms': 500 } })
    await using copy = await setUp({ from, to }, { transport: quick })
    const records = (name: string, count: number) => Array.from({ length: count }, (_, i) => ({ key: 'a', value: `${name} ${i}` }))
    await log.write(from, pair, records('old', 3))
    const app = await copy.open()
    const failed = app.run().then(
      () => undefined,
      (failure: unknown) => ({ from, failure }),
    )
    await app.caughtUp()
    await log.deleteTopics([from])
    await log.createTopics({ [from]: 1 })
    await log.write(from, pair, records('new', 10))
    let isOver = false
    const noticed = (async () => {
      while (!isOver && (await log.readAll(to, pair)).length < 13) await pause(100)
    })()
    const outcome = await Promise.race([failed, noticed.then(() => undefined)])
    isOver = true
    await noticed
    await app.close().catch(() => undefined)
    return outcome
  }

  test('stops the application with a clear error, if nobody noticed that it was away', { timeout: 240_000 }, async () => {
    let found = await readOn()
    for (let tries = 1; found === undefined && tries < 10; tries++) found = await readOn()
    expect(found?.failure).toMatchObject({
      code: expect.stringMatching(/^(TOPIC_RECREATED|OFFSET_OUT_OF_RANGE)$/) as string,
      topic: found?.from,
    })
  })
})
