import {
  advertisedIn,
  type GroupDescription,
  type KeyLocation,
  MillraceError,
  partitionForKey,
  type PartitionLag,
  partitionKey,
  type Serde,
  type StoreSize,
  type TransportAdmin,
} from '@millrace/core'
import { offsetsByPartition } from '../internal/offsets-by-partition.ts'
import type { Task } from '../task/task.ts'
import type { RunnableDefinition } from './resolve-definition.ts'
import { unknownStore } from './query.ts'
import type { TopicPlan } from './topic-plan.ts'

interface Inspected {
  readonly definition: RunnableDefinition
  readonly admin: TransportAdmin
  readonly plan: TopicPlan
}

/** Answers about a running application that have to be asked for. It reads, and changes nothing. */
export class AppInspector {
  readonly #parts: Inspected
  readonly #tasks: () => readonly Task[]

  constructor(parts: Inspected, tasks: () => readonly Task[]) {
    this.#parts = parts
    this.#tasks = tasks
  }

  /** How far each partition of this process is behind the end of its topic. Rejects as the transport does when nobody answers. */
  async lag(): Promise<readonly PartitionLag[]> {
    const { admin, definition } = this.#parts
    const read = this.#tasks().flatMap((task) => task.queues.map((queue) => ({ task: task.id, queue })))
    if (read.length === 0) return []
    const isolation = definition.processingGuarantee === 'exactly-once' ? 'read-committed' : 'read-uncommitted'
    const asked = read.map(({ queue: { topic, partition } }) => ({ topic, partition }))
    const ends = offsetsByPartition(await admin.endOffsets(asked, isolation))
    return read.flatMap(({ task, queue: { topic, partition, nextOffset: position } }) => {
      const end = ends.get(partitionKey(topic, partition))
      // Read by a member that sees further than the question did: nothing is behind.
      return end === undefined ? [] : [{ task, topic, partition, position, end, lag: Math.max(0, end - position) }]
    })
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
    const { clientId, host } = member ?? {}
    return {
      task,
      partition,
      here: false,
      member: clientId === undefined || host === undefined ? undefined : { clientId, host, address: advertisedIn(clientId) },
    }
  }
}
