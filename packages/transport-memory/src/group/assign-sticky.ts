import { partitionKey, type TopicPartition } from '@millrace/core'
import type { Assignment, AssignorMember, AssignorTopic } from './assignor.ts'

/**
 * Balanced assignment that moves as little as possible: partitions stay with their member as long as it lives and reads them, free ones go
 * to whoever has the fewest, and one moves only from a member to another that has at least two fewer.
 */
export function assignSticky<M extends AssignorMember>(members: readonly M[], topics: readonly AssignorTopic[]): Assignment<M> {
  const assignment = new Map<M, TopicPartition[]>(members.map((member) => [member, []]))
  const free: TopicPartition[] = []
  for (const { name, partitions } of topics) {
    for (let partition = 0; partition < partitions; partition++) {
      const key = partitionKey(name, partition)
      const owner = members.find((member) => member.target.has(key) && member.reads(name))
      if (owner === undefined) free.push({ topic: name, partition })
      else assignment.get(owner)?.push({ topic: name, partition })
    }
  }
  for (const partition of free) leastLoaded(assignment, partition.topic)?.push(partition)
  while (moveOne(assignment));
  return assignment
}

function leastLoaded<M extends AssignorMember>(assignment: ReadonlyMap<M, TopicPartition[]>, topic: string): TopicPartition[] | undefined {
  let least: TopicPartition[] | undefined
  for (const [member, own] of assignment) {
    if (member.reads(topic) && (least === undefined || own.length < least.length)) least = own
  }
  return least
}

/** Moves a partition from the most loaded member that has one to give; false when there is nothing to gain any more. */
function moveOne<M extends AssignorMember>(assignment: ReadonlyMap<M, TopicPartition[]>): boolean {
  for (const giver of [...assignment.values()].toSorted((a, b) => b.length - a.length)) {
    for (let i = giver.length - 1; i >= 0; i--) {
      const moving = giver[i] as TopicPartition
      const taker = leastLoaded(assignment, moving.topic)
      if (taker === undefined || taker.length > giver.length - 2) continue
      giver.splice(i, 1)
      taker.push(moving)
      return true
    }
  }
  return false
}
