import { randomUUID } from 'node:crypto'
import { viewColumn } from '@millrace/core'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { PackedAdmin, PackedWriter } from '../../src/index.ts'
import { Confluent } from '../support/confluent.ts'

const confluent = new Confluent(inject('kafkaBrokers'))
/** Members come and go, and clusters learn of what is new, in their own time. */
const poll = { timeout: 60_000, interval: 50 }

function open(): Promise<PackedAdmin> {
  return PackedAdmin.open({ brokers: confluent.addresses })
}

async function ready(admin: PackedAdmin, topic: string, partitions: number): Promise<void> {
  await expect.poll(() => admin.describeTopics([topic]), poll).toMatchObject([{ topic, partitions, ready: true }])
}

async function write(topic: string, timestamps: readonly number[], transactional = false): Promise<PackedWriter> {
  const writer = await PackedWriter.open({ brokers: confluent.addresses, ...(transactional && { transactionalId: randomUUID() }) })
  if (transactional) writer.begin()
  const column = viewColumn(timestamps.map(() => Buffer.from('v')))
  await writer.write({ topic, length: timestamps.length, keys: column, values: column, timestamps, partitions: timestamps.map(() => 0) })
  expect(await writer.flush()).toEqual([])
  return writer
}

let topic: string
beforeAll(async () => {
  topic = await confluent.topic(2)
})

describe('PackedAdmin', () => {
  it('creates topics with their settings, changes those, adds partitions, and deletes', async () => {
    await using admin = await open()
    const name = `admin-${randomUUID()}`
    const config = { 'retention.ms': '3600000', 'cleanup.policy': 'compact' }
    await admin.createTopic({ topic: name, partitions: 2, replicationFactor: 1, config })
    await ready(admin, name, 2)
    await expect(admin.createTopic({ topic: name, partitions: 1 })).rejects.toMatchObject({ kind: 'topic-exists', code: 36 })
    await expect(admin.createTopic({ topic: `${name}-2`, partitions: 1, config: { 'retention.ms': 'x' } })).rejects.toThrow('retention.ms')
    expect((await admin.topicConfigs([name])).get(name)).toMatchObject(config)

    await admin.alterTopicConfigs(name, { 'retention.ms': '7200000', 'cleanup.policy': null })
    await expect
      .poll(async () => (await admin.topicConfigs([name])).get(name), poll)
      .toMatchObject({ 'retention.ms': '7200000', 'cleanup.policy': 'delete' })
    await expect(admin.topicConfigs([`none-${name}`])).rejects.toMatchObject({ kind: 'unknown-topic' })

    await admin.createPartitions(name, 3)
    await ready(admin, name, 3)
    const [{ id } = { id: undefined }] = await admin.describeTopics([name])
    expect(id).toMatch(/^[\w-]{22}$/)
    expect(await admin.listTopics()).toContain(name)
    await admin.deleteTopic(name)
    await expect.poll(() => admin.describeTopics([name]), poll).toEqual([])
    await expect(admin.deleteTopic(name)).rejects.toMatchObject({ kind: 'unknown-topic' })
  })

  it('finds offsets, also of what is committed, and deletes records', async () => {
    await using admin = await open()
    const at = [{ topic, partition: 0 }]
    const offset = async (
      ...question: ['beginning' | 'end' | number, 'read-committed' | 'read-uncommitted']
    ): Promise<number | undefined> => (await admin.listOffsets(at, ...question))[0]?.offset
    await (await write(topic, [1_000, 2_000, 3_000])).close()
    const writer = await write(topic, [4_000], true)
    expect(await offset('end', 'read-uncommitted')).toBe(4)
    expect(await offset('end', 'read-committed')).toBe(3)
    await writer.commit()
    await writer.close()
    expect(await offset(1_500, 'read-uncommitted')).toBe(1)
    // The end of the transaction is a record too, of now.
    expect(await offset(Date.now() + 3_600_000, 'read-uncommitted')).toBe(-1)
    await admin.deleteRecords([{ topic, partition: 0, offset: 2 }])
    expect(await offset('beginning', 'read-uncommitted')).toBe(2)
    await expect(admin.deleteRecords([{ topic, partition: 0, offset: 100 }])).rejects.toMatchObject({ kind: 'offset-out-of-range' })
  })

  it('tells, changes and deletes the offsets of groups, and groups', async () => {
    await using admin = await open()
    const group = `group-${randomUUID()}`
    const partitions = [0, 1].map((partition) => ({ topic, partition }))
    expect(await admin.groupOffsets(group, partitions)).toEqual([])
    expect(await admin.describeGroup(group)).toEqual({ groupId: group, state: 'Dead', members: [] })
    await admin.commitOffsets(group, [
      { topic, partition: 0, offset: 2, leaderEpoch: 0, metadata: 'here' },
      { topic, partition: 1, offset: 0 },
    ])
    expect(await admin.groupOffsets(group, partitions)).toEqual([
      { topic, partition: 0, offset: 2, leaderEpoch: 0, metadata: 'here' },
      { topic, partition: 1, offset: 0 },
    ])
    expect(await admin.describeGroup(group)).toMatchObject({ state: 'Empty', members: [] })
    expect(await admin.listGroups()).toContain(group)
    await admin.deleteGroupOffsets(group, [{ topic, partition: 1 }])
    expect(await admin.groupOffsets(group, partitions)).toHaveLength(1)

    // In a transaction: they count once it is committed, and only for who has its place in the group.
    const writer = await write(topic, [5_000], true)
    const committed = [{ topic, partition: 0, offset: 3, leaderEpoch: 0 }]
    await writer.sendOffsets(committed, { groupId: group, generation: -1, memberId: '' })
    await writer.commit()
    expect(await admin.groupOffsets(group, partitions)).toEqual(committed)
    writer.begin()
    await expect(writer.sendOffsets(committed, { groupId: group, generation: 7, memberId: 'nobody' })).rejects.toMatchObject({
      kind: 'abortable',
    })
    await writer.abort()
    await writer.close()

    await admin.deleteGroup(group)
    expect(await admin.groupOffsets(group, partitions)).toEqual([])
  })

  it.each(['classic', 'consumer'] as const)('tells who is in a group (%s)', async (protocol) => {
    await using admin = await open()
    const group = `group-${randomUUID()}`
    await using member = await confluent.member(group, topic, protocol)
    await expect
      .poll(() => admin.describeGroup(group), poll)
      .toMatchObject({
        state: 'Stable',
        members: [
          {
            clientId: member.clientId,
            assigned: [
              { topic, partition: 0 },
              { topic, partition: 1 },
            ],
          },
        ],
      })
    await expect(admin.commitOffsets(group, [{ topic, partition: 0, offset: 1 }])).rejects.toMatchObject({ kind: 'not-member' })
    await expect(admin.deleteGroup(group)).rejects.toMatchObject({ kind: 'group-in-use' })
  })
  it('puts members out of a group of the classic protocol, who come back as others', async () => {
    await using admin = await open()
    const group = `group-${randomUUID()}`
    await using member = await confluent.member(group, topic, 'classic')
    const members = async (): Promise<readonly string[]> => (await admin.describeGroup(group)).members.map(({ memberId }) => memberId)
    await expect.poll(members, poll).toHaveLength(1)
    const [first = ''] = await members()
    expect(first).toContain(member.clientId)
    await admin.removeMembers(group)
    await expect.poll(members, poll).toEqual([expect.not.stringContaining(first)])
  })
})
