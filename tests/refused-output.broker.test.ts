import { randomBytes, randomUUID } from 'node:crypto'
import { describe, expect, inject, test } from 'vitest'
import {
  defineApp,
  type FailureOptions,
  type ProcessingGuarantee,
  type RuntimeEvent,
  serdes,
  silentLogger,
  start,
  TopologyBuilder,
} from 'millrace'
import { kafka } from 'millrace/kafka'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const pair = { key: serdes.string, value: serdes.bytes }
const COUNT = 300
/** These are too large for the output topic, which only its broker knows. */
const LARGE: ReadonlySet<number> = new Set([7, 150, 299])

async function run(processingGuarantee: ProcessingGuarantee, failure: FailureOptions) {
  await using folder = await temporaryFolder()
  const transport = kafka({ brokers: inject('kafkaBrokers') })
  const id = randomUUID().slice(0, 8)
  const [input, output, dead] = [`in-${id}`, `small-${id}`, `dead-${id}`]
  await using log = await LogClient.open(transport)
  await log.createTopics({ [input]: 1, [dead]: 1 })
  await log.admin.createTopics([{ topic: output, partitions: 1, config: { 'max.message.bytes': '20000' } }])
  await log.write(
    input,
    pair,
    Array.from({ length: COUNT }, (_, i) => ({ key: String(i), value: randomBytes(LARGE.has(i) ? 50_000 : 20), partition: 0 })),
  )
  const builder = new TopologyBuilder('copies')
  builder.source('in', { topics: [input], ...pair }).sink('copy', { topic: output, ...pair })
  const events: RuntimeEvent[] = []
  const app = await start(
    defineApp({
      topology: builder.build(),
      applicationId: `copies-${id}`,
      transport,
      stateDir: folder.path,
      logger: silentLogger,
      processingGuarantee,
      batch: { size: 50, timeoutMs: 5 },
      observer: (event) => events.push(event),
      failure: { deadLetter: { topic: dead }, ...failure },
    }),
  )
  let error: unknown
  const running = app.run().catch((caught: unknown) => (error = caught))
  try {
    await app.caughtUp()
    await app.close()
  } catch {
    await running
  }
  const [committed] = await log.committed(`copies-${id}`, input)
  const keys = async (topic: string) => {
    const all = (await log.readAll(topic, pair)).map(({ key }) => Number(key))
    return processingGuarantee === 'exactly-once' ? all : [...new Set(all)]
  }
  return { error, events, committed, output, out: await keys(output), dead: await keys(dead) }
}

describe.each(['at-least-once', 'exactly-once'] as const)('%s', (guarantee) => {
  test('records whose output is too large for its topic are found on a broker, and become dead letters; all others are written', async () => {
    const { error, out, dead, committed, events } = await run(guarantee, { produce: 'dead-letter' })
    expect(error).toBeUndefined()
    expect(out.toSorted((a, b) => a - b)).toEqual(Array.from({ length: COUNT }, (_, i) => i).filter((i) => !LARGE.has(i)))
    expect(dead).toEqual([...LARGE])
    expect(committed).toBe(COUNT)
    const failures = events.filter(({ type }) => type === 'failure')
    expect(failures[0]).toMatchObject({ stage: 'sink', policy: 'dead-letter', node: 'copy', offset: 7 })
  })

  test("where the policy is 'fail' the application stops, and names the topic", async () => {
    const { error, dead, committed, output } = await run(guarantee, {})
    expect(error).toMatchObject({ code: 'OUTPUT_REFUSED', topic: output })
    expect(dead).toEqual([])
    expect(committed ?? 0).toBeLessThanOrEqual(7)
  })
})
