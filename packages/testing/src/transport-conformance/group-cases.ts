import { partitionKey, type RecordSource, type RecordSourceOptions, type TopicPartition } from '@millrace/core'
import type { ConformanceBench } from './conformance-bench.ts'
import type { ConformanceCase } from './conformance-case.ts'
import { RecordingListener, type HookActions } from './recording-listener.ts'

interface Member {
  readonly source: RecordSource
  readonly listener: RecordingListener
}

/** Groups: who reads what, when partitions change hands, what is committed. */
export const groupCases: readonly ConformanceCase[] = [
  {
    name: 'groups: the only member gets every partition of the topics named, and reads them from where the hook says',
    run: async (bench) => {
      const topics = [await bench.topic(2), await bench.topic(2)]
      for (const topic of topics) for (const partition of [0, 1]) await bench.writeNumbers(topic, 5, partition)
      const { source, listener } = await join(bench, { topics, hooks: { startAt: () => ({ offset: 3 }) } })
      const records = await bench.read(source, 8)
      bench.assert.ok(records.every(({ offset }) => offset >= 3))
      bench.assert.equal(listener.held().length, 4)
      bench.assert.deepEqual(keysOf(source.assignment()), keysOf(listener.held()))
    },
  },
  {
    name: 'groups: a partition that starts paused is not read before it is resumed',
    run: async (bench) => {
      const topic = await bench.topic()
      await bench.writeNumbers(topic, 3)
      const { source, listener } = await join(bench, { topics: [topic], hooks: { startAt: () => ({ paused: true }) } })
      await bench.pollUntil([source], 'the partition is assigned', () => listener.held().length === 1)
      bench.assert.deepEqual(await bench.pollOnce(source, 300), [])
      source.resume([{ topic, partition: 0 }])
      bench.assert.equal((await bench.read(source, 3)).length, 3)
    },
  },
  {
    name: 'groups: nothing of a partition is read while its onAssigned is still at work',
    run: async (bench) => {
      const topic = await bench.topic()
      await bench.writeNumbers(topic, 3)
      const gate = new Gate()
      const { source } = await join(bench, { topics: [topic], hooks: { onAssigned: () => gate.passed } })
      await bench.pollUntil([source], 'the hook is called', () => source.assignment().length === 1 || gate.waiting)
      bench.assert.deepEqual(await bench.pollOnce(source, 300), [])
      gate.open()
      bench.assert.equal((await bench.read(source, 3)).length, 3)
    },
  },
  {
    name: 'groups: hooks are served while nobody polls',
    run: async (bench) => {
      const topic = await bench.topic()
      const { listener } = await join(bench, { topics: [topic] })
      await bench.until('the partition is assigned', () => listener.held().length === 1)
    },
  },
  {
    name: 'groups: two members share the partitions, and none is held by both at any time',
    run: async (bench) => {
      const topic = await bench.topic(4)
      const groupId = bench.name()
      const first = await join(bench, { topics: [topic], groupId })
      await bench.pollUntil([first.source], 'the first has all', () => first.listener.held().length === 4)
      const second = await join(bench, { topics: [topic], groupId })
      await bench.pollUntil([first.source, second.source], 'both have two', () => {
        const held = keysOf([...first.listener.held(), ...second.listener.held()])
        bench.assert.equal(new Set(held).size, held.length, 'no partition is held twice')
        return first.listener.held().length === 2 && second.listener.held().length === 2
      })
      bench.assert.ok(!first.listener.overlapped && !second.listener.overlapped, 'hooks are called one at a time')
    },
  },
  {
    name: 'groups: a partition goes to its next member only after onRevoked, which may still commit',
    run: async (bench) => {
      const topic = await bench.topic(2)
      await bench.writeNumbers(topic, 10, 0)
      await bench.writeNumbers(topic, 10, 1)
      const groupId = bench.name()
      const order: string[] = []
      const first: Member = await join(bench, {
        topics: [topic],
        groupId,
        hooks: {
          onRevoked: async (partitions) => {
            await first.source.commit(partitions.map((at) => ({ ...at, offset: 4, metadata: 'on revoke' })))
            order.push(...keysOf(partitions).map((key) => `revoked ${key}`))
          },
        },
      })
      await bench.pollUntil([first.source], 'the first has both', () => first.listener.held().length === 2)
      const second = await join(bench, {
        topics: [topic],
        groupId,
        hooks: { onAssigned: async (partitions) => void order.push(...keysOf(partitions).map((key) => `assigned ${key}`)) },
      })
      await bench.pollUntil([first.source, second.source], 'the second has one', () => second.listener.held().length === 1)
      const [moved] = second.listener.held() as [TopicPartition]
      const key = partitionKey(moved.topic, moved.partition)
      bench.assert.deepEqual(
        order.filter((entry) => entry.endsWith(key)),
        [`revoked ${key}`, `assigned ${key}`],
      )
      const expected = [{ topic, partition: moved.partition, offset: 4, metadata: 'on revoke' }]
      bench.assert.deepEqual(await second.source.committed([moved]), expected)
    },
  },
  {
    name: 'groups: a member that closes gives up its partitions after onRevoked, and others take them',
    run: async (bench) => {
      const topic = await bench.topic(2)
      const groupId = bench.name()
      const first = await join(bench, { topics: [topic], groupId })
      const second = await join(bench, { topics: [topic], groupId })
      const both = [first.source, second.source]
      await bench.pollUntil(both, 'each has one', () => first.listener.held().length === 1 && second.listener.held().length === 1)
      await first.source.close()
      bench.assert.deepEqual(first.listener.held(), [])
      await bench.pollUntil([second.source], 'the second has both', () => second.listener.held().length === 2)
    },
  },
  {
    name: 'groups: a pattern reads topics that match, also those created later',
    run: async (bench) => {
      const prefix = bench.name()
      const early = await bench.topic(1, { topic: `${prefix}-early` })
      await bench.topic(1, { topic: `other-${prefix}` })
      const { source, listener } = await join(bench, { topics: [new RegExp(`^${prefix}-.*$`)] })
      await bench.pollUntil([source], 'the early topic is assigned', () => listener.held().length === 1)
      const late = await bench.topic(1, { topic: `${prefix}-late` })
      await bench.pollUntil([source], 'the late topic is assigned', () => listener.held().length === 2)
      bench.assert.deepEqual(keysOf(listener.held()), [`${early} 0`, `${late} 0`])
    },
  },
  {
    name: 'groups: coLocate gives a member the same partitions of each topic',
    run: async (bench) => {
      const topics = [await bench.topic(3), await bench.topic(3)]
      const groupId = bench.name()
      const members = [
        await join(bench, { topics, groupId, source: { coLocate: true } }),
        await join(bench, { topics, groupId, source: { coLocate: true } }),
      ]
      const held = () => members.map(({ listener }) => listener.held().length)
      await bench.pollUntil(
        members.map(({ source }) => source),
        'all is assigned',
        () => held().every((count) => count > 0) && held().reduce((sum, count) => sum + count) === 6,
      )
      for (const { listener } of members) {
        const [one, other] = topics.map((topic) =>
          listener
            .held()
            .filter((at) => at.topic === topic)
            .map(({ partition }) => partition),
        )
        bench.assert.deepEqual(one, other)
      }
    },
  },
  {
    name: 'groups: the next member of the group finds what was committed, with its metadata',
    run: async (bench) => {
      const topic = await bench.topic(2)
      const groupId = bench.name()
      const first = await join(bench, { topics: [topic], groupId })
      await bench.pollUntil([first.source], 'both are assigned', () => first.listener.held().length === 2)
      await first.source.commit([{ topic, partition: 0, offset: 3, metadata: 'm' }])
      await first.source.commit([{ topic, partition: 0, offset: 5, metadata: 'newer' }])
      await first.source.close()
      const second = await bench.source({ groupId })
      const committed = await second.committed([0, 1].map((partition) => ({ topic, partition })))
      bench.assert.deepEqual(committed, [{ topic, partition: 0, offset: 5, metadata: 'newer' }])
    },
  },
  {
    name: 'groups: a commit of a closed member is refused',
    run: async (bench) => {
      const topic = await bench.topic()
      const { source, listener } = await join(bench, { topics: [topic] })
      await bench.pollUntil([source], 'the partition is assigned', () => listener.held().length === 1)
      await source.close()
      await bench.rejection(source.commit([{ topic, partition: 0, offset: 1 }]))
    },
  },
  {
    name: 'groups: what a hook rejects with, the next poll rejects with',
    run: async (bench) => {
      const topic = await bench.topic()
      const failure = new Error('restore failed')
      const { source } = await join(bench, { topics: [topic], hooks: { onAssigned: () => Promise.reject(failure) } })
      let thrown: unknown
      await bench.until('the poll rejects', async () => {
        thrown = await source.poll(100).then(
          () => undefined,
          (error: unknown) => error,
        )
        return thrown !== undefined
      })
      bench.assert.equal(thrown, failure)
    },
  },
]

/** Joins a group of its own, unless told which. */
async function join(
  bench: ConformanceBench,
  options: {
    readonly topics: readonly (string | RegExp)[]
    readonly groupId?: string
    readonly hooks?: HookActions
    readonly source?: Partial<RecordSourceOptions>
  },
): Promise<Member> {
  const source = await bench.source({ groupId: options.groupId ?? bench.name(), ...options.source })
  const listener = new RecordingListener(options.hooks)
  await source.subscribe(options.topics, listener)
  return { source, listener }
}

function keysOf(partitions: readonly TopicPartition[]): string[] {
  return partitions.map(({ topic, partition }) => partitionKey(topic, partition)).toSorted()
}

/** Lets nobody pass before it is opened. */
class Gate {
  #open: () => void = () => {}
  readonly #passed = new Promise<void>((resolve) => {
    this.#open = resolve
  })
  waiting = false

  get passed(): Promise<void> {
    this.waiting = true
    return this.#passed
  }

  open(): void {
    this.#open()
  }
}
