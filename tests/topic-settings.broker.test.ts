import { randomUUID } from 'node:crypto'
import { describe, expect, inject, test } from 'vitest'
import type { Logger, NewTopic } from '@millrace/core'
import { defineApp, start } from 'millrace'
import { kafka } from 'millrace/kafka'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { wordCountTopology } from './support/word-count-topology.ts'

const brokers = inject('kafkaBrokers')

interface Tried {
  readonly error: unknown
  readonly warnings: readonly string[]
  /** Internal topics that exist afterwards. */
  readonly topics: readonly string[]
}

/** Starts a word count whose internal topics were created with these settings beforehand, and closes it at once. */
async function startBeside(config: { readonly changelog?: NewTopic['config']; readonly repartition?: NewTopic['config'] }): Promise<Tried> {
  await using folder = await temporaryFolder()
  const id = randomUUID().slice(0, 8)
  const applicationId = `settings-${id}`
  const topics = { input: `lines-${id}`, output: `out-${id}` }
  await using log = await LogClient.open(kafka({ brokers }))
  await log.createTopics({ [topics.input]: 2, [topics.output]: 1 })
  const { changelog, repartition } = config
  if (changelog !== undefined)
    await log.admin.createTopics([{ topic: `${applicationId}-counts-changelog`, partitions: 2, config: changelog }])
  if (repartition !== undefined)
    await log.admin.createTopics([{ topic: `${applicationId}-by-word-repartition`, partitions: 2, config: repartition }])
  const warnings: string[] = []
  const say = () => undefined
  const logger: Logger = { debug: say, info: say, error: say, warn: (_, message) => void warnings.push(message) }
  const definition = defineApp({
    topology: wordCountTopology({ topics }),
    applicationId,
    transport: kafka({ brokers }),
    stateDir: folder.path,
    logger,
  })
  const error = await start(definition).then(
    (app) => app.close().then(() => undefined),
    (thrown: unknown) => thrown,
  )
  const existing = await log.admin.describeTopics([new RegExp(`^${applicationId}-`)])
  return { error, warnings, topics: existing.map(({ topic }) => topic.slice(applicationId.length + 1)).toSorted() }
}

describe('internal topics that exist', () => {
  test('with the settings of Kafka Streams are used', async () => {
    const changelog = { 'cleanup.policy': 'compact', 'message.timestamp.type': 'CreateTime' }
    const repartition = { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'segment.bytes': '52428800' }
    expect(await startBeside({ changelog, repartition })).toMatchObject({ error: undefined, warnings: [] })
  })

  test("as a broker creates them by itself are refused, and nothing is created: a changelog that isn't compacted loses state", async () => {
    const { error, topics } = await startBeside({ changelog: {} })
    expect(error).toMatchObject({ code: 'TOPIC_SETTINGS', retryable: false })
    expect(String(error)).toContain('has cleanup.policy=delete and needs compact')
    expect(topics).toEqual(['counts-changelog'])
  })

  test('are refused where the broker replaces the timestamps of records', async () => {
    const changelog = { 'cleanup.policy': 'compact', 'message.timestamp.type': 'LogAppendTime' }
    expect(String((await startBeside({ changelog })).error)).toContain('message.timestamp.type=LogAppendTime and needs CreateTime')
  })

  test('are refused where records to be repartitioned are compacted, and doubted where they are deleted by age', async () => {
    const compacted = await startBeside({ repartition: { 'cleanup.policy': 'compact' } })
    expect(String(compacted.error)).toContain('has cleanup.policy=compact and needs delete')
    expect(compacted.topics).toEqual(['by-word-repartition'])
    const aging = await startBeside({ repartition: { 'cleanup.policy': 'delete' } })
    expect(aging).toMatchObject({ error: undefined, topics: ['by-word-repartition', 'counts-changelog'] })
    expect(aging.warnings).toEqual([expect.stringContaining('has retention.ms=604800000 in place of -1')])
  })
})
