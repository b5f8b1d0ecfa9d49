import {
  advertisedIn,
  type GroupDescription,
  type GroupMember,
  type IsolationLevel,
  type KeyLocation,
  MillraceError,
  partitionForKey,
  type PartitionLag,
  partitionKey,
  type Serde,
  type StoreSize,
  type TopicPartition,
  type TopicPartitionOffset,
  type TransportAdmin,
} from '@millrace/core'
import { offsetsByPartition } from '../internal/offsets-by-partition.ts'
import type { Task } from '../task/task.ts'
import type { RunnableDefinition } from './resolve-definition.ts'
import { unknownStore } from './query.ts'
import type { StateSlot } from './state-slot.ts'
import type { TopicPlan } from './topic-plan.ts'
import { clientIdOf } from './writer-options.ts'

interface Inspected {
  readonly definition: RunnableDefinition
  readonly admin: TransportAdmin
  readonly plan: TopicPlan
  readonly slot: StateSlot
}

/** At such an address every machine reaches itself. */
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[?::1\]?):\d+$/i

/** Answers about a running application that have to be asked for. It reads, and changes nothing. */
export class AppInspector {
  readonly #parts: Inspected
  readonly #tasks: () => readonly Task[]

  constructor(parts: Inspected, tasks: () => readonly Task[]) {
    this.#parts = parts
    this.#tasks = tasks
  }

  /** How far each partition of this process is behind the end of its topic, if that still exists. Rejects as the transport does when nobody answers. */
  async lag(): Promise<readonly PartitionLag[]> {
    const { definition } = this.#parts
    const read = this.#tasks().flatMap((task) => task.queues.map((queue) => ({ task: task.id, queue })))
    if (read.length === 0) return []
    const isolation = definition.processingGuarantee === 'exactly-once' ? 'read-committed' : 'read-uncommitted'
    const asked = read.map(({ queue: { topic, partition } }) => ({ topic, partition }))
    const ends = offsetsByPartition(await this.#endOffsets(asked, isolation))
    return read.flatMap(({ task, queue: { topic, partition, nextOffset: position } }) => {
      const end = ends.get(partitionKey(topic, partition))
      // Read by a member that sees further than the question did: nothing is behind.
      return end === undefined ? [] : [{ task, topic, partition, position, end, lag: Math.max(0, end - position) }]
    })
  }

  /** Without those of topics that were deleted, one of which would spoil the answer for all. */
  async #endOffsets(asked: readonly TopicPartition[], isolation: IsolationLevel): Promise<readonly TopicPartitionOffset[]> {
    const { admin } = this.#parts
    try {
      return await admin.endOffsets(asked, isolation)
    } catch (error) {
      if (!(error instanceof MillraceError && error.code === 'UNKNOWN_TOPIC')) throw error
      const topics = await admin.describeTopics([...new Set(asked.map(({ topic }) => topic))])
      const counts = new Map(topics.map(({ topic, partitions }) => [topic, partitions]))
      const there = asked.filter(({ topic, partition }) => partition < (counts.get(topic) ?? 0))
      if (there.length === asked.length) throw error
      return there.length === 0 ? [] : admin.endOffsets(there, isolation)
    }
  }

  /** What the stores of this process hold. */
  async stores(): Promise<readonly StoreSize[]> {
    const sizes: Promise<StoreSize>[] = []
    for (const { id, state, stores } of this.#tasks()) {
      // Of one that is being opened or closed nobody knows.
      if (state !== 'running' && state !== 'finishing') continue
      for (const { definition, store } of stores.all) {
        const size = (store.committed as { approximateSize(): Promise<number> }).approximateSize()
        const { uncommittedBytes } = store
        sizes.push(size.then((entries) => ({ task: id, store: definition.name, entries, uncommittedBytes })))
      }
    }
    return (await Promise.allSettled(sizes)).flatMap((size) => (size.status === 'fulfilled' ? [size.value] : []))
  }

  /** The members of the application's group. Rejects with `NOT_SUPPORTED` where the transport can't tell. */
  group(): Promise<GroupDescription> {
    const { admin, definition } = this.#parts
    if (admin.describeGroup !== undefined) return admin.describeGroup(definition.applicationId)
    const message = `The transport ${definition.transport.name} does not tell who is in a group.`
    return Promise.reject(new MillraceError('NOT_SUPPORTED', message, { stage: 'source' }))
  }

  /**
   * Who has a key of a store, if records reach its task by their key, as Kafka's default partitioner spreads them. Throws what the serde of the key does,
   * and a `STORE_UNKNOWN`. The group is only asked if that is not this process.
   */
  async locate(store: string, key: unknown): Promise<KeyLocation> {
    const { plan, definition } = this.#parts
    const planned = plan.subTopologies.find(({ subTopology }) => subTopology.stores.some(({ name }) => name === store))
    const found = planned?.subTopology.stores.find(({ name }) => name === store) as { readonly key: Serde<unknown> } | undefined
    if (planned === undefined || found === undefined) {
      throw unknownStore(
        store,
        definition.topology.stores.map(({ name }) => name),
      )
    }
    const partition = partitionForKey(found.key.serialize(key) ?? new Uint8Array(), planned.partitions)
    const task = `${planned.subTopology.index}_${partition}`
    if (this.#tasks().some(({ id }) => id === task)) return { task, partition, here: true, member: undefined }
    const topics = new Set(planned.inputs.map(({ topic }) => topic))
    const { members } = await this.group()
    const member = members.find(({ assigned }) => assigned.some((at) => at.partition === partition && topics.has(at.topic)))
    return { task, partition, here: false, member: member && this.#reached(member, members) }
  }

  /** An address of one machine alone is told on that machine: on another one it is somebody else's. */
  #reached({ clientId, host }: GroupMember, members: readonly GroupMember[]): KeyLocation['member'] {
    const { definition, slot } = this.#parts
    const own = clientIdOf(definition, slot)
    const isHere = () => members.some((member) => member.clientId === own && member.host === host)
    const address = advertisedIn(clientId)
    return { clientId, host, address: address !== undefined && LOOPBACK.test(address) && !isHere() ? undefined : address }
  }
}
