import type { TopicPartition } from '@millrace/core'
import type { Assignment, AssignorMember, AssignorTopic } from './assignor.ts'

/**
 * Kafka's range assignment: each topic's partitions in runs over the members that read it, in the order they joined. Topics with the same
 * number of partitions are cut alike, so a member gets the same partition of each.
 */
export function assignRange<M extends AssignorMember>(members: readonly M[], topics: readonly AssignorTopic[]): Assignment<M> {
  const assignment = new Map<M, TopicPartition[]>(members.map((member) => [member, []]))
  for (const { name, partitions } of topics) {
    const readers = members.filter((member) => member.reads(name))
    const share = Math.floor(partitions / readers.length)
    const extra = partitions % readers.length
    let partition = 0
    readers.forEach((reader, index) => {
      const end = partition + share + (index < extra ? 1 : 0)
      for (; partition < end; partition++) assignment.get(reader)?.push({ topic: name, partition })
    })
  }
  return assignment
}
