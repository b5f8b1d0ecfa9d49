import {
  advertisedIn,
  type GroupDescription,
  type GroupMember,
  type KeyLocation,
  MillraceError,
  partitionForKey,
  type PartitionLag,
  type Serde,
  type StoreSize,
  type TransportAdmin,
} from '@millrace/core'
import type { AppInspector } from './app-api.ts'
import type { RunnableDefinition } from './resolve-definition.ts'
import { unknownStore } from './query.ts'
import type { TopicPlan } from './topic-plan.ts'
import { clientIdOf } from './writer-options.ts'

/** The tasks of this process, wherever they run. */
export interface InspectedTasks extends Pick<AppInspector, 'lag' | 'stores'> {
  /** Whether a task is here. */
  readonly has: (id: string) => boolean
}

interface Inspected {
  readonly definition: RunnableDefinition
  readonly admin: TransportAdmin
  readonly plan: TopicPlan
  /** By which the members of the group that are this process are called. */
  readonly processIds: readonly string[]
}

/** At such an address every machine reaches itself. */
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[?::1\]?):\d+$/i

/** See {@link AppInspector}. */
export class Inspector implements AppInspector {
  readonly #parts: Inspected
  readonly #tasks: InspectedTasks

  constructor(parts: Inspected, tasks: InspectedTasks) {
    this.#parts = parts
    this.#tasks = tasks
  }

  lag(): Promise<readonly PartitionLag[]> {
    return this.#tasks.lag()
  }

  stores(): Promise<readonly StoreSize[]> {
    return this.#tasks.stores()
  }

  group(): Promise<GroupDescription> {
    const { admin, definition } = this.#parts
    if (admin.describeGroup !== undefined) return admin.describeGroup(definition.applicationId)
    const message = `The transport ${definition.transport.name} does not tell who is in a group.`
    return Promise.reject(new MillraceError('NOT_SUPPORTED', message, { stage: 'source' }))
  }

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
    if (this.#tasks.has(task)) return { task, partition, here: true, member: undefined }
    const topics = new Set(planned.inputs.map(({ topic }) => topic))
    const { members } = await this.group()
    const member = members.find(({ assigned }) => assigned.some((at) => at.partition === partition && topics.has(at.topic)))
    return { task, partition, here: false, member: member && this.#reached(member, members) }
  }

  /** An address of one machine alone is told on that machine: on another one it is somebody else's. */
  #reached({ clientId, host }: GroupMember, members: readonly GroupMember[]): KeyLocation['member'] {
    const { definition, processIds } = this.#parts
    const own = new Set(processIds.map((processId) => clientIdOf(definition, { processId })))
    const isHere = () => members.some((member) => own.has(member.clientId) && member.host === host)
    const address = advertisedIn(clientId)
    return { clientId, host, address: address !== undefined && LOOPBACK.test(address) && !isHere() ? undefined : address }
  }
}
