import { randomUUID } from 'node:crypto'
import type { TopicPartition } from '@millrace/core'
import { Cluster } from '../../src/cluster/cluster.ts'
import { resolveConnectOptions } from '../../src/cluster/connection-options.ts'
import { patiently } from '../../src/cluster/patiently.ts'
import { systemClock } from '../../src/cluster/system-clock.ts'
import { Coordinator } from '../../src/cluster/coordinator.ts'
import { refusal } from '../../src/errors/protocol-codes.ts'
import { leaveGroup } from '../../src/group/group-calls.ts'
import { decodeFindCoordinator, encodeFindCoordinator, FIND_COORDINATOR } from '../../src/wire/find-coordinator.ts'
import { type BrokerAddress, GroupMember, type GroupOptions, type PackedError } from '../../src/index.ts'

/** A member, and what it was told. */
export class RecordedMember implements AsyncDisposable {
  readonly held = new Map<string, TopicPartition>()
  readonly calls: string[] = []
  readonly missing = new Set<string>()
  failure: PackedError | undefined
  busy = 0
  /** Awaited in `onRevoked`. */
  beforeRevoked: (partitions: readonly TopicPartition[]) => Promise<void> = () => Promise.resolve()
  #member: GroupMember | undefined

  static async open(brokers: readonly BrokerAddress[], options: Partial<GroupOptions> = {}): Promise<RecordedMember> {
    const recorded = new RecordedMember()
    recorded.#member = await GroupMember.open(
      { brokers, groupId: groupId(), connectTimeoutMs: 2_000, heartbeatIntervalMs: 200, ...options },
      {
        onAssigned: (partitions) => recorded.#take('assigned', partitions),
        onRevoked: async (partitions) => {
          await recorded.beforeRevoked(partitions)
          recorded.#drop('revoked', partitions)
        },
        onLost: (partitions) => recorded.#drop('lost', partitions),
        onMissing: (topics) => {
          for (const topic of topics) recorded.missing.add(topic)
        },
        onBusy: () => {
          recorded.busy++
        },
        onFailed: (error) => {
          recorded.failure = error
        },
      },
    )
    return recorded
  }

  get member(): GroupMember {
    if (this.#member === undefined) throw new Error('It is being opened.')
    return this.#member
  }

  get keys(): string[] {
    return [...this.held.keys()].toSorted()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.member.close()
  }

  #take(what: string, partitions: readonly TopicPartition[]): void {
    this.calls.push(`${what} ${keysOf(partitions).join()}`)
    for (const one of partitions) this.held.set(keyOf(one), one)
  }

  #drop(what: string, partitions: readonly TopicPartition[]): void {
    this.calls.push(`${what} ${keysOf(partitions).join()}`)
    for (const one of partitions) this.held.delete(keyOf(one))
  }
}

/** Makes the group put a member out, in its name and behind its back. */
export async function putOut(brokers: readonly BrokerAddress[], { member }: RecordedMember): Promise<void> {
  const { metadata } = member
  const cluster = new Cluster(resolveConnectOptions({ brokers }, []), systemClock)
  try {
    await new Coordinator(cluster, { type: 'group', name: metadata.groupId, clock: systemClock }).answer({
      use: (connection) => leaveGroup(connection, metadata),
      codeOf: (code) => code,
      doing: 'put a member out',
      patienceMs: 30_000,
    })
  } finally {
    cluster.close()
  }
}

/** The id of the broker that looks after a group, as some broker has it that knows of one. */
export async function coordinatorOf(brokers: readonly BrokerAddress[], group: string): Promise<number> {
  const cluster = new Cluster(resolveConnectOptions({ brokers }, []), systemClock)
  const parts = [encodeFindCoordinator(group)]
  const find = async (): Promise<number> => {
    const found = await cluster.any((connection) => connection.send({ ...FIND_COORDINATOR, parts, decode: decodeFindCoordinator }))
    if (found.code !== 0) throw refusal(found.code, `name the coordinator of group '${group}'`)
    return found.node
  }
  try {
    return await patiently(cluster, systemClock, find)
  } finally {
    cluster.close()
  }
}

export function groupId(): string {
  return `group-${randomUUID()}`
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic.slice(-4)}-${partition}`
}

function keysOf(partitions: readonly TopicPartition[]): string[] {
  return partitions.map(keyOf).toSorted()
}
