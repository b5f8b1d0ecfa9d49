import type { GroupDescription, TopicPartition } from '@millrace/core'
import { ByteReader, type ArrivedBytes } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'

/** Of groups of KIP-848: brokers from 3.7 on. */
export const DESCRIBE_CONSUMER_GROUP = { key: 69, version: 0 } as const

export function encodeDescribeConsumerGroup(groupId: string): Buffer {
  return new ByteWriter()
    .array([groupId], () => {})
    .string(groupId)
    .int8(0)
    .noTags()
    .finish()
}

/** Throws a `RangeError` when it is cut off. */
export function decodeDescribeConsumerGroup(bytes: ArrivedBytes): { readonly code: number; readonly group: GroupDescription } {
  const from = new ByteReader(bytes)
  from.int32()
  const [answer] = from.array(() => {
    const code = from.int16()
    from.string()
    const groupId = from.string() ?? ''
    const state = from.string() ?? ''
    // Epochs of the group and of its assignment, and the assignor.
    from.int32()
    from.int32()
    from.string()
    const members = from.array(() => decodeMember(from))
    from.int32()
    from.tags()
    return { code, group: { groupId, state, members } }
  })
  return answer ?? { code: 0, group: { groupId: '', state: 'Dead', members: [] } }
}

function decodeMember(from: ByteReader): GroupDescription['members'][number] {
  const memberId = from.string() ?? ''
  // Instance and rack, then its epoch.
  from.string()
  from.string()
  from.int32()
  const clientId = from.string() ?? ''
  const host = from.string() ?? ''
  from.array(() => from.string())
  from.string()
  const assigned = decodeAssigned(from)
  // What it is to have in the end.
  decodeAssigned(from)
  from.tags()
  return { memberId, clientId, host, assigned }
}

function decodeAssigned(from: ByteReader): TopicPartition[] {
  const assigned = from
    .array(() => {
      from.int64()
      from.int64()
      const topic = from.string() ?? ''
      const partitions = from.array(() => ({ topic, partition: from.int32() }))
      from.tags()
      return partitions
    })
    .flat()
  from.tags()
  return assigned
}
