import { describe, expect, test } from 'vitest'
import { type GroupMember, partitionForKey, serdes, silentLogger, TopologyBuilder, type TransportAdmin } from '@millrace/core'
import { inMemory } from '@millrace/store-memory'
import { memory } from '@millrace/transport-memory'
import type { AppInspector } from '../../src/app/app-api.ts'
import { Inspector } from '../../src/app/inspect.ts'
import { inspectTasks } from '../../src/app/inspect-tasks.ts'
import type { RunnableDefinition } from '../../src/app/resolve-definition.ts'
import type { TopicPlan } from '../../src/app/topic-plan.ts'
import type { Task } from '../../src/task/task.ts'

const counts = inMemory.keyValueStore({ name: 'counts', key: serdes.string, value: serdes.safeInt64 })
const builder = new TopologyBuilder('counting')
builder.source('in', { topics: ['in'], key: serdes.string, value: serdes.string }).process('count', () => undefined, { stores: [counts] })
const topology = builder.build()
const subTopologies = topology.subTopologies.map((subTopology) => ({ subTopology, inputs: [{ topic: 'in' }], partitions: 2 }))

function inspector(admin: TransportAdmin, queues: readonly { topic: string; partition: number; nextOffset: number }[]): AppInspector {
  const definition = { topology, applicationId: 'app', processingGuarantee: 'at-least-once', advertisedAddress: '127.0.0.1:9464' }
  const parts = { definition, admin, plan: { subTopologies }, processIds: ['own'] }
  const typed = parts as unknown as { definition: RunnableDefinition; admin: TransportAdmin; plan: TopicPlan; processIds: string[] }
  const tasks = () => (queues.length === 0 ? [] : [{ id: '0_0', queues } as unknown as Task])
  return new Inspector(typed, inspectTasks(typed, tasks))
}

describe('lag', () => {
  test('of topics that are there is told though another was deleted', async () => {
    const admin = await memory().openAdmin({ logger: silentLogger })
    await admin.createTopics(['in', 'gone'].map((topic) => ({ topic, partitions: 1 })))
    const inspect = inspector(admin, [
      { topic: 'in', partition: 0, nextOffset: 0 },
      { topic: 'gone', partition: 0, nextOffset: 3 },
    ])
    expect(await inspect.lag()).toHaveLength(2)
    await admin.deleteTopics(['gone'])
    expect(await inspect.lag()).toMatchObject([{ topic: 'in', lag: 0 }])
    await admin.deleteTopics(['in'])
    expect(await inspect.lag()).toEqual([])
  })

  test('is not told where brokers are away', async () => {
    const endOffsets = () => Promise.reject(new Error('away'))
    const inspect = inspector({ endOffsets } as unknown as TransportAdmin, [{ topic: 'in', partition: 0, nextOffset: 0 }])
    await expect(inspect.lag()).rejects.toThrow('away')
  })
})

describe('an address that every machine reaches itself at', () => {
  const partition = partitionForKey(serdes.string.serialize('key') ?? new Uint8Array(), 2)
  const other = (address: string, host: string): GroupMember => ({
    ...{ memberId: 'other', clientId: `app-other@${address}`, host },
    assigned: [{ topic: 'in', partition }],
  })
  const own: GroupMember = { memberId: 'own', clientId: 'app-own@127.0.0.1:9464', host: '/10.0.0.1', assigned: [] }
  const placed = async (member: GroupMember) => {
    const describeGroup = async () => ({ groupId: 'app', state: 'Stable', members: [own, member] })
    return (await inspector({ describeGroup } as unknown as TransportAdmin, []).locate('counts', 'key')).member
  }

  test.each(['127.0.0.1:9464', 'localhost:9465', '[::1]:9465'])('%s is told on its machine alone', async (address) => {
    expect(await placed(other(address, '/10.0.0.1'))).toEqual({ clientId: `app-other@${address}`, host: '/10.0.0.1', address })
    expect(await placed(other(address, '/10.0.0.2'))).toEqual({ clientId: `app-other@${address}`, host: '/10.0.0.2', address: undefined })
  })

  test('and any other everywhere', async () => {
    expect(await placed(other('10.0.0.2:9464', '/10.0.0.2'))).toMatchObject({ address: '10.0.0.2:9464' })
  })
})
