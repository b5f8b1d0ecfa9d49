import { codeOf } from './conformance-bench.ts'
import type { ConformanceCase } from './conformance-case.ts'
import { RecordingListener } from './recording-listener.ts'

/** Topics and offsets, as an operator sees them. */
export const adminCases: readonly ConformanceCase[] = [
  {
    name: 'admin: topics are created once, described by name and by pattern, and deleted',
    run: async (bench) => {
      const admin = await bench.admin()
      const [one, two] = [`${bench.name()}-one`, `${bench.name()}-two`]
      const described = async (topics: readonly (string | RegExp)[]) =>
        (await admin.describeTopics(topics)).map(({ topic, partitions }) => ({ topic, partitions }))
      await admin.createTopics([
        { topic: one, partitions: 2 },
        { topic: two, partitions: 3 },
      ])
      await admin.createTopics([{ topic: one, partitions: 5 }])
      bench.assert.deepEqual(await described([one]), [{ topic: one, partitions: 2 }])
      bench.assert.deepEqual(await described([new RegExp(`^${two}$`)]), [{ topic: two, partitions: 3 }])
      bench.assert.deepEqual(await described([bench.name()]), [], 'what does not exist is left out')
      await admin.deleteTopics([two, bench.name()])
      await bench.until('the topic is gone', async () => (await admin.describeTopics([two])).length === 0)
      bench.assert.deepEqual(await described([one, two]), [{ topic: one, partitions: 2 }])
    },
  },
  {
    name: 'admin: where topics have ids, one that is created anew has another',
    run: async (bench) => {
      const admin = await bench.admin()
      const topic = bench.name()
      const idOf = async () => (await admin.describeTopics([topic]))[0]?.id
      await admin.createTopics([{ topic, partitions: 1 }])
      const id = await idOf()
      bench.assert.deepEqual(await idOf(), id, 'it keeps its id')
      await admin.deleteTopics([topic])
      await bench.until('the topic is gone', async () => (await admin.describeTopics([topic])).length === 0)
      await admin.createTopics([{ topic, partitions: 1 }])
      bench.assert.ok(id === undefined || (await idOf()) !== id, 'made anew it has another')
    },
  },
  {
    name: 'admin: where topics have settings that can be read, they are those that a topic was created with',
    run: async (bench) => {
      const admin = await bench.admin()
      const config = { 'cleanup.policy': 'compact', 'delete.retention.ms': '123456789', 'retention.ms': '-1' }
      const [one, two] = [await bench.topic(1, { config }), await bench.topic(1, { config: { 'cleanup.policy': 'delete' } })]
      const answer = await admin.topicSettings?.([one, bench.name(), two])
      if (answer === undefined || answer.unknownBecause !== undefined) {
        bench.assert.deepEqual([...(answer?.byTopic.keys() ?? [])], [], 'what is not known is not told')
        return
      }
      bench.assert.deepEqual([...answer.byTopic.keys()].toSorted(), [one, two].toSorted(), 'what does not exist is left out')
      const told = answer.byTopic.get(one) ?? {}
      bench.assert.deepEqual(Object.fromEntries(Object.keys(config).map((name) => [name, told[name]])), config)
      bench.assert.equal(answer.byTopic.get(two)?.['cleanup.policy'], 'delete')
    },
  },
  {
    name: 'admin: where groups can be managed, offsets are committed for one without members, and not for one that has some',
    run: async (bench) => {
      const admin = await bench.admin()
      if (admin.commitOffsets === undefined || admin.describeGroup === undefined) return
      const [topic, groupId] = [await bench.topic(2), bench.name()]
      bench.assert.equal((await admin.describeGroup?.(groupId))?.members.length, 0, 'a group that nobody knows has no members')
      const offsets = [0, 1].map((partition) => ({ topic, partition, offset: partition + 3 }))
      await admin.commitOffsets?.(groupId, offsets)
      bench.assert.deepEqual(await admin.committedOffsets(groupId, offsets), offsets)
      const clientId = bench.name()
      const source = await bench.source({ groupId, clientId })
      await source.subscribe([topic], new RecordingListener())
      await bench.until('it has both partitions', async () => {
        await source.poll(50)
        const members = (await admin.describeGroup?.(groupId))?.members ?? []
        return members[0]?.clientId === clientId && members[0].assigned.length === 2
      })
      const refused = await bench.rejection(Promise.resolve(admin.commitOffsets?.(groupId, [{ topic, partition: 0, offset: 9 }])))
      bench.assert.ok(codeOf(refused) !== undefined, 'only its members may commit')
      await source.close()
      bench.assert.deepEqual(await admin.committedOffsets(groupId, offsets), offsets, 'what was refused is not committed')
    },
  },
  {
    name: 'admin: a topic can be written to as soon as its creation has resolved',
    run: async (bench) => {
      for (let i = 0; i < 3; i++) {
        const topic = await bench.topic(2)
        await bench.writeNumbers(topic, 1, 1)
      }
    },
  },
  {
    name: 'admin: beginning and end of each partition',
    run: async (bench) => {
      const topic = await bench.topic(2)
      await bench.writeNumbers(topic, 7, 1)
      const admin = await bench.admin()
      const partitions = [0, 1].map((partition) => ({ topic, partition }))
      const offsets = (list: readonly { readonly offset: number }[]) => list.map(({ offset }) => offset)
      bench.assert.deepEqual(offsets(await admin.beginningOffsets(partitions)), [0, 0])
      bench.assert.deepEqual(offsets(await admin.endOffsets(partitions, 'read-uncommitted')), [0, 7])
      bench.assert.deepEqual(offsets(await admin.endOffsets(partitions, 'read-committed')), [0, 7])
    },
  },
  {
    name: 'admin: the first offset at or after a time, or the end',
    run: async (bench) => {
      const topic = await bench.topic()
      await bench.write(
        topic,
        [1_000, 2_000, 3_000].map((timestamp) => ({ value: 'v', timestamp })),
      )
      const admin = await bench.admin()
      const at = async (timestamp: number) => (await admin.offsetsForTimes([{ topic, partition: 0 }], timestamp))[0]?.offset
      bench.assert.deepEqual([await at(0), await at(1_500), await at(3_000), await at(3_001)], [0, 1, 2, 3])
    },
  },
  {
    name: 'admin: records below an offset are deleted, and reading them is an error',
    run: async (bench) => {
      const topic = await bench.topic()
      await bench.writeNumbers(topic, 10)
      const admin = await bench.admin()
      await admin.deleteRecords([{ topic, partition: 0, offset: 4 }])
      const [beginning] = await admin.beginningOffsets([{ topic, partition: 0 }])
      bench.assert.equal(beginning?.offset, 4)
      const source = await bench.source()
      await source.assign([{ topic, partition: 0, offset: 4 }])
      bench.assert.equal((await bench.read(source, 6))[0]?.value, '4')
      await source.assign([{ topic, partition: 0, offset: 0 }])
      let error: unknown
      await bench.until('the poll says so', async () => {
        error = await source.poll(100).then(
          () => undefined,
          (thrown: unknown) => thrown,
        )
        return error !== undefined
      })
      bench.assert.equal(codeOf(error), 'OFFSET_OUT_OF_RANGE')
    },
  },
  {
    name: 'admin: committed offsets of any group',
    run: async (bench) => {
      const topic = await bench.topic(2)
      const groupId = bench.name()
      const source = await bench.source({ groupId })
      const listener = new RecordingListener()
      await source.subscribe([topic], listener)
      await bench.pollUntil([source], 'the partitions are assigned', () => listener.held().length === 2)
      await source.commit([{ topic, partition: 1, offset: 2, metadata: 'm' }])
      const partitions = [0, 1].map((partition) => ({ topic, partition }))
      const admin = await bench.admin()
      bench.assert.deepEqual(await admin.committedOffsets(groupId, partitions), [{ topic, partition: 1, offset: 2, metadata: 'm' }])
      bench.assert.deepEqual(await admin.committedOffsets(bench.name(), partitions), [])
    },
  },
]
