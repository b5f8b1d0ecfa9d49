import { type GroupDescription, MillraceError, partitionKey, type OffsetCommit, type TopicPartition } from '@millrace/core'
import type { TopicRegistry } from '../log/topic-registry.ts'
import { commitRefused } from '../internal/errors.ts'
import { assignRange } from './assign-range.ts'
import { assignSticky } from './assign-sticky.ts'
import { GroupOffsets } from './group-offsets.ts'
import type { GroupMember } from './group-member.ts'

/**
 * A consumer group: who its members are, which partitions each is to have (its target) and which it has (it owns them). A partition changes
 * hands only when its owner has let go of it, so two members never own it at once.
 */
export class Group {
  readonly id: string
  readonly offsets = new GroupOffsets()
  readonly #topics: TopicRegistry
  readonly #members: GroupMember[] = []
  readonly #owners = new Map<string, GroupMember>()
  #rebalancing = false

  constructor(id: string, topics: TopicRegistry) {
    this.id = id
    this.#topics = topics
    topics.onChange((topic, change) => {
      if (change === 'removed') this.#forgetTopic(topic)
      if (this.#members.some((member) => member.reads(topic))) this.rebalance()
    })
  }

  get isEmpty(): boolean {
    return this.#members.length === 0
  }

  /** Its members, each with what it owns. */
  describe(): GroupDescription {
    const members = this.#members.map((member, i) => {
      const { clientId } = member
      return { memberId: `${clientId}-${i}`, clientId, host: 'localhost', assigned: member.owned() }
    })
    return { groupId: this.id, state: this.isEmpty ? 'Empty' : this.#rebalancing ? 'PreparingRebalance' : 'Stable', members }
  }

  join(member: GroupMember): void {
    const other = this.#members.find(({ coLocate }) => coLocate !== member.coLocate)
    if (other !== undefined) {
      const [own, theirs] = member.coLocate ? ['range', 'cooperative-sticky'] : ['cooperative-sticky', 'range']
      throw new MillraceError(
        'INCONSISTENT_GROUP',
        `Group '${this.id}' is assigned by ${theirs}: a member that asks for ${own} can't join it.`,
        {
          stage: 'source',
        },
      )
    }
    this.#members.push(member)
    this.rebalance()
  }

  /** Takes a member out of the next assignments. What it still owns stays its own until it is released. */
  leave(member: GroupMember): void {
    const index = this.#members.indexOf(member)
    if (index >= 0) this.#members.splice(index, 1)
    this.rebalance()
  }

  find(clientId: string): GroupMember | undefined {
    return this.#members.find((member) => member.clientId === clientId)
  }

  /** Puts out every member: each joins again. */
  expelAll(): void {
    for (const member of [...this.#members]) member.expel()
  }

  /** Assigns anew in the next turn of the event loop, so that changes which come together cost one rebalance. */
  rebalance(): void {
    if (this.#rebalancing) return
    this.#rebalancing = true
    setImmediate(() => {
      this.#rebalancing = false
      this.#assign()
    })
  }

  #assign(): void {
    const members = this.#members
    const topics = this.#topics
      .all()
      .filter(({ name }) => members.some((member) => member.reads(name)))
      .map(({ name, partitions }) => ({ name, partitions: partitions.length }))
    const assign = members[0]?.coLocate === true ? assignRange : assignSticky
    for (const [member, partitions] of assign(members, topics)) member.retarget(partitions.toSorted(byTopicAndPartition))
  }

  #forgetTopic(topic: string): void {
    this.offsets.forgetTopic(topic)
    for (const member of this.#members) member.forgetTopic(topic)
  }

  owns(member: GroupMember, { topic, partition }: TopicPartition): boolean {
    return this.#owners.get(partitionKey(topic, partition)) === member
  }

  isFree({ topic, partition }: TopicPartition): boolean {
    return !this.#owners.has(partitionKey(topic, partition))
  }

  take(member: GroupMember, partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) this.#owners.set(partitionKey(topic, partition), member)
  }

  /** Frees what of `partitions` the member owns, and tells the others. */
  release(member: GroupMember, partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) {
      const key = partitionKey(topic, partition)
      if (this.#owners.get(key) === member) this.#owners.delete(key)
    }
    for (const other of this.#members) other.wake()
  }

  /** Throws unless `member` owns every partition; without a member (partitions assigned by hand), unless the group is empty. */
  checkMayCommit(member: GroupMember | undefined, offsets: readonly OffsetCommit[]): void {
    if (member === undefined) {
      if (!this.isEmpty) throw commitRefused(`group '${this.id}' has members, and only they may commit`)
      return
    }
    for (const at of offsets) {
      if (!this.owns(member, at)) {
        throw commitRefused(`'${member.clientId}' does not own ${at.topic}-${at.partition} in group '${this.id}' (any more)`, at)
      }
    }
  }
}

function byTopicAndPartition(a: TopicPartition, b: TopicPartition): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1
  return a.partition - b.partition
}
