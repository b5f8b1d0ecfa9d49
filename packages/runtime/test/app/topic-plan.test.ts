import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  ManualClock,
  type NewTopic,
  type ResolvedDefinition,
  serdes,
  silentLogger,
  type Topology,
  TopologyBuilder,
  type TransportAdmin,
} from '@millrace/core'
import { inMemory } from '@millrace/store-memory'
import { memory } from '@millrace/transport-memory'
import { resolveDefinition } from '../../src/app/resolve-definition.ts'
import { planTopics } from '../../src/app/topic-plan.ts'

const text = { key: serdes.string, value: serdes.string }
const store = inMemory.keyValueStore({ name: 'seen', ...text })

let admin: TransportAdmin
const transport = () => memory({ clock: new ManualClock() })
beforeEach(async () => {
  admin = await transport().openAdmin({ logger: silentLogger })
})
afterEach(() => admin.close())

function definitionOf(topology: Topology): ResolvedDefinition {
  return resolveDefinition({ topology, applicationId: 'app', transport: transport() })
}

const plan = (topology: Topology) => planTopics(topology, definitionOf(topology), admin, silentLogger)
const partitionsOf = async (topic: string) => (await admin.describeTopics([topic]))[0]?.partitions

/** Reads `topics` together, remembers what it saw by key behind a repartition. */
function topologyOf(topics: readonly (string | RegExp)[], partitions?: number): Topology {
  const builder = new TopologyBuilder('plan')
  builder
    .source('in', { topics, ...text })
    .repartition('by-key', { ...text, partitions })
    .process('remember', { create: () => ({ process: () => undefined }), stores: [store] } as never)
  return builder.build()
}

describe('planning topics', () => {
  test("creates repartition and changelog topics with Kafka Streams' names and the partitions of the input", async () => {
    await admin.createTopics([{ topic: 'in', partitions: 3 }])
    const { subTopologies, coLocate, subscription } = await plan(topologyOf(['in']))
    expect(await partitionsOf('app-by-key-repartition')).toBe(3)
    expect(await partitionsOf('app-seen-changelog')).toBe(3)
    expect(subTopologies.map(({ partitions }) => partitions)).toEqual([3, 3])
    expect(subscription).toEqual(['in', 'app-by-key-repartition'])
    expect(coLocate).toBe(false)
  })

  test('lets changelogs keep deletions for a week, so that local state may be away for some days', async () => {
    await admin.createTopics([{ topic: 'in', partitions: 1 }])
    const created = new Map<string, NewTopic['config']>()
    const create = admin.createTopics.bind(admin)
    admin.createTopics = (topics) => {
      for (const { topic, config } of topics) created.set(topic, config)
      return create(topics)
    }
    await plan(topologyOf(['in']))
    expect(created.get('app-seen-changelog')).toEqual({
      'cleanup.policy': 'compact',
      'delete.retention.ms': '604800000',
      'message.timestamp.type': 'CreateTime',
    })
  })

  test("gives repartition topics Kafka Streams' settings: nothing but the purge deletes what is in them", async () => {
    await admin.createTopics([{ topic: 'in', partitions: 1 }])
    const created: NewTopic[] = []
    const create = admin.createTopics.bind(admin)
    admin.createTopics = (topics) => {
      created.push(...topics)
      return create(topics)
    }
    await plan(topologyOf(['in']))
    expect(created.find(({ topic }) => topic === 'app-by-key-repartition')?.config).toEqual({
      'cleanup.policy': 'delete',
      'message.timestamp.type': 'CreateTime',
      'retention.ms': '-1',
      'segment.bytes': '52428800',
    })
  })

  test('gives a repartition topic the partitions that the topology says', async () => {
    await admin.createTopics([{ topic: 'in', partitions: 3 }])
    await plan(topologyOf(['in'], 7))
    expect(await partitionsOf('app-by-key-repartition')).toBe(7)
    expect(await partitionsOf('app-seen-changelog')).toBe(7)
  })

  test('leaves internal topics as they are when they fit, and refuses when they do not', async () => {
    await admin.createTopics([{ topic: 'in', partitions: 2 }])
    await plan(topologyOf(['in']))
    await plan(topologyOf(['in']))
    await expect(plan(topologyOf(['in'], 4))).rejects.toMatchObject({ code: 'PARTITION_COUNT', topic: 'app-by-key-repartition' })
  })

  test('names a topic that is missing, whether it is read or written', async () => {
    await expect(plan(topologyOf(['nowhere']))).rejects.toMatchObject({ code: 'TOPIC_MISSING', topic: 'nowhere', node: 'in' })
    await admin.createTopics([{ topic: 'in', partitions: 1 }])
    const builder = new TopologyBuilder('sink')
    builder.source('in', { topics: ['in'], ...text }).sink('out', { topic: 'gone', ...text })
    await expect(plan(builder.build())).rejects.toMatchObject({ code: 'TOPIC_MISSING', topic: 'gone', node: 'out' })
  })

  test('asks for the same partitions of topics that are read together, and refuses when their counts differ', async () => {
    await admin.createTopics([
      { topic: 'a', partitions: 2 },
      { topic: 'b', partitions: 2 },
      { topic: 'c', partitions: 3 },
    ])
    expect((await plan(topologyOf(['a', 'b'], 2))).coLocate).toBe(true)
    await expect(plan(topologyOf(['a', 'c'], 2))).rejects.toThrow("'a' has 2, 'c' has 3")
  })

  test('reads the topics that a pattern matches', async () => {
    await admin.createTopics([
      { topic: 'orders-eu', partitions: 2 },
      { topic: 'orders-us', partitions: 2 },
      { topic: 'other', partitions: 5 },
    ])
    const { subTopologies } = await plan(topologyOf([/^orders-/]))
    expect(subTopologies[0]?.inputs.map(({ topic }) => topic).sort()).toEqual(['orders-eu', 'orders-us'])
  })
})
