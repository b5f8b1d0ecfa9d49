import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type AnyStoreDefinition,
  type Logger,
  ManualClock,
  MillraceError,
  serdes,
  silentLogger,
  type Topology,
  TopologyBuilder,
  type TransportAdmin,
} from '@millrace/core'
import { inMemory } from '@millrace/store-memory'
import { memory } from '@millrace/transport-memory'
import { resolveDefinition } from '../../src/app/resolve-definition.ts'
import { type TopicPlan, planTopics } from '../../src/app/topic-plan.ts'

const text = { key: serdes.string, value: serdes.string }
const store = inMemory.keyValueStore({ name: 'seen', ...text })
const CHANGELOG = 'app-seen-changelog'
const REPARTITION = 'app-by-key-repartition'
const fits = { 'cleanup.policy': 'compact', 'delete.retention.ms': '604800000', 'message.timestamp.type': 'CreateTime' }

const windows = inMemory.windowStore({ name: 'windows', ...text, windowSizeMs: 1_000, retentionMs: 5_000 })
const WINDOWS = 'app-windows-changelog'

function topology(stores: readonly [AnyStoreDefinition] = [store]): Topology {
  const builder = new TopologyBuilder('plan')
  builder
    .source('in', { topics: ['in'], ...text })
    .repartition('by-key', text)
    .process('remember', { create: () => ({ process: () => undefined }), stores } as never)
  return builder.build()
}

let admin: TransportAdmin
let warnings: string[]
let stateDir: string
const clock = new ManualClock()
const logger: Logger = { ...silentLogger, warn: (_, message) => void warnings.push(message) }
const transport = memory({ clock: new ManualClock() })

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'millrace-settings-'))
  warnings = []
  admin = await transport.openAdmin({ logger })
  await admin.createTopics([{ topic: 'in', partitions: 1 }])
})
afterEach(async () => {
  await admin.deleteTopics([CHANGELOG, WINDOWS, REPARTITION])
  await admin.close()
  await rm(stateDir, { recursive: true })
})

const exists = (topic: string, config: Readonly<Record<string, string>>) => admin.createTopics([{ topic, partitions: 1, config }])
const plan = (planned = topology()): Promise<TopicPlan> =>
  planTopics(planned, resolveDefinition({ topology: planned, applicationId: 'app', transport, stateDir, clock }), admin, logger)
const refusal = () =>
  plan().then(
    () => undefined,
    (error: unknown) => error,
  )

describe('internal topics that exist', () => {
  test('are used as they are when their settings fit, and have those that they are created with', async () => {
    await plan()
    await plan()
    expect(warnings).toEqual([])
  })

  test.each([
    [
      CHANGELOG,
      { ...fits, 'cleanup.policy': 'delete' },
      'cleanup.policy=delete and needs compact: entries that are not changed for long are deleted',
    ],
    [CHANGELOG, { ...fits, 'cleanup.policy': 'delete, compact' }, 'cleanup.policy=delete, compact and needs compact'],
    [CHANGELOG, { ...fits, 'message.timestamp.type': 'LogAppendTime' }, 'message.timestamp.type=LogAppendTime and needs CreateTime'],
    [
      REPARTITION,
      { 'cleanup.policy': 'compact' },
      'cleanup.policy=compact and needs delete: compaction drops records before they are processed',
    ],
    [REPARTITION, { 'cleanup.policy': 'compact,delete' }, 'cleanup.policy=compact,delete and needs delete'],
  ])('are refused: %s with %j', async (topic, config, reason) => {
    await exists(topic, config)
    const error = await refusal()
    expect(error).toBeInstanceOf(MillraceError)
    expect(error).toMatchObject({ code: 'TOPIC_SETTINGS', topic, retryable: false, message: expect.stringContaining(reason) as unknown })
    expect(String(error)).toContain(`kafka-configs.sh --alter --entity-type topics --entity-name ${topic} --add-config `)
    // Before anything is created.
    const [other] = [CHANGELOG, REPARTITION].filter((name) => name !== topic)
    expect(await admin.describeTopics([other as string])).toEqual([])
  })

  test('are refused all at once', async () => {
    await exists(CHANGELOG, { 'cleanup.policy': 'delete', 'message.timestamp.type': 'LogAppendTime' })
    await exists(REPARTITION, { 'cleanup.policy': 'compact' })
    const error = await refusal()
    expect(String(error).match(/The (changelog|repartition) topic/g)).toHaveLength(3)
  })

  test.each([
    [{ 'retention.ms': '604800000' }, 'retention.ms=604800000 in place of -1: records may be deleted before they are processed'],
    [{ 'retention.ms': '-1', 'retention.bytes': '1000' }, 'retention.bytes=1000 in place of -1'],
  ])('are used with a warning: a repartition topic with %j', async (config, doubt) => {
    await exists(REPARTITION, { 'cleanup.policy': 'delete', ...config })
    await plan()
    expect(warnings).toEqual([expect.stringContaining(`The repartition topic '${REPARTITION}' has ${doubt}`)])
  })

  test('have to delete old windows, and not before the store does', async () => {
    await exists(WINDOWS, fits)
    await expect(plan(topology([windows]))).rejects.toThrow(
      'has cleanup.policy=compact and needs compact,delete: what the store has let go of is never deleted',
    )
    await admin.deleteTopics([WINDOWS])
    await exists(WINDOWS, { ...fits, 'cleanup.policy': 'delete,compact', 'retention.ms': '86405000' })
    await plan(topology([windows]))
    expect(warnings).toEqual([])
    await admin.deleteTopics([WINDOWS])
    await exists(WINDOWS, { ...fits, 'cleanup.policy': 'compact,delete', 'retention.ms': '60000' })
    await plan(topology([windows]))
    expect(warnings).toEqual([
      `The changelog topic '${WINDOWS}' has retention.ms=60000 in place of 86405000: records may be deleted while the store still has them.`,
    ])
  })

  test.each([
    [
      { 'cleanup.policy': 'delete', 'retention.ms': '604800000' },
      ['retention.ms=604800000: entries that are not changed for long are missing then'],
    ],
    [{ 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1' }, []],
    [{ 'cleanup.policy': 'compact', 'retention.ms': '604800000' }, []],
  ])('are not all: an input that a store is restored from, with %j', async (config, doubts) => {
    await exists('table', { 'delete.retention.ms': '1000', ...config })
    const table = inMemory.keyValueStore({ name: 'table', ...text, changelog: { sourceTopic: 'table' } })
    const builder = new TopologyBuilder('plan')
    builder
      .source('in', { topics: ['table'], ...text })
      .process('keep', { create: () => ({ process: () => undefined }), stores: [table] } as never)
    const { deletionRetentions } = await plan(builder.build())
    await admin.deleteTopics(['table'])
    expect(warnings).toEqual(
      doubts.map((doubt) => expect.stringContaining(`Topic 'table', from which a store is restored, has ${doubt}`) as unknown),
    )
    expect(deletionRetentions).toEqual(new Map([['table', 1_000]]))
  })

  test('tell for how long changelogs keep deletions, be it shorter than ours', async () => {
    await exists(CHANGELOG, { ...fits, 'delete.retention.ms': '86400000' })
    expect((await plan()).deletionRetentions).toEqual(new Map([[CHANGELOG, 86_400_000]]))
    expect(warnings).toEqual([])
  })

  test('are used with one warning where their settings can not be read', async () => {
    await exists(CHANGELOG, { 'cleanup.policy': 'delete' })
    await exists(REPARTITION, { 'cleanup.policy': 'compact' })
    admin.topicSettings = async () => ({ byTopic: new Map(), unknownBecause: 'nobody knows' })
    expect((await plan()).deletionRetentions).toEqual(new Map([[CHANGELOG, 86_400_000]]))
    expect(warnings).toEqual(["Settings of topics can't be read: nobody knows. Those of internal topics that exist are not checked."])
  })

  test('are used as they are where a transport knows no settings, or not those that are asked for', async () => {
    await exists(CHANGELOG, {})
    await plan()
    const { topicSettings: _, ...without } = Object.fromEntries(
      (['createTopics', 'deleteTopics', 'describeTopics'] as const).map((name) => [name, admin[name].bind(admin)]),
    ) as Partial<TransportAdmin>
    await exists(REPARTITION, { 'cleanup.policy': 'compact' })
    await planTopics(
      topology(),
      resolveDefinition({ topology: topology(), applicationId: 'app', transport, stateDir, clock }),
      without as TransportAdmin,
      logger,
    )
    expect(warnings).toEqual([])
  })

  test('that can not be asked for just now stop the start, which may be tried again', async () => {
    await exists(CHANGELOG, fits)
    admin.topicSettings = () => Promise.reject(new MillraceError('BROKER_UNREACHABLE', 'away', { stage: 'source', retryable: true }))
    await expect(plan()).rejects.toMatchObject({ code: 'BROKER_UNREACHABLE', retryable: true })
  })
})

describe('settings that were good', () => {
  const asked: string[][] = []
  beforeEach(() => {
    asked.length = 0
    const topicSettings = admin.topicSettings?.bind(admin) as NonNullable<TransportAdmin['topicSettings']>
    admin.topicSettings = (topics) => {
      asked.push([...topics])
      return topicSettings(topics)
    }
  })

  test('are asked for once a day', async () => {
    await exists(CHANGELOG, { ...fits, 'delete.retention.ms': '1000' })
    const first = await plan()
    expect((await plan()).deletionRetentions).toEqual(first.deletionRetentions)
    // The repartition topic has been made by the first.
    expect(asked).toEqual([[CHANGELOG], [REPARTITION]])
    await clock.advance(86_400_000)
    await plan()
    expect(asked.at(-1)?.toSorted()).toEqual([REPARTITION, CHANGELOG].toSorted())
  })

  test('are those of that topic, and not of another of its name', async () => {
    await exists(CHANGELOG, fits)
    await plan()
    await admin.deleteTopics([CHANGELOG])
    await exists(CHANGELOG, { ...fits, 'cleanup.policy': 'delete' })
    await expect(plan()).rejects.toMatchObject({ code: 'TOPIC_SETTINGS' })
  })

  test('are asked for again after others that were not', async () => {
    await exists(CHANGELOG, { ...fits, 'cleanup.policy': 'delete' })
    await expect(plan()).rejects.toMatchObject({ code: 'TOPIC_SETTINGS' })
    await expect(plan()).rejects.toMatchObject({ code: 'TOPIC_SETTINGS' })
    expect(asked).toEqual([[CHANGELOG], [CHANGELOG]])
  })

  test('are asked for where what is remembered can not be read', async () => {
    await exists(CHANGELOG, fits)
    await plan()
    await writeFile(join(stateDir, 'app', 'topic-settings.json'), 'no')
    await plan()
    expect(asked.at(-1)).toContain(CHANGELOG)
  })
})
