import type { TopicPartition } from '@millrace/core'
import { ByteReader, type ArrivedBytes } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import type { GroupMetadata } from './group-metadata.ts'

/** The one version that everything from 2.5 to 4.1 speaks, with stable offsets. */
export const OFFSET_FETCH = { key: 9, version: 7 } as const
/** Of members of KIP-848, whose place is checked: all brokers that have such groups speak it. */
export const OFFSET_FETCH_OF_MEMBER = { key: 9, version: 9 } as const

export interface OffsetFetchRequest {
  readonly groupId: string
  readonly partitions: readonly TopicPartition[]
  /** Offsets that a transaction may still change are not told, but an error. */
  readonly requireStable: boolean
}

export interface OffsetFetchAnswer {
  readonly code: number
  readonly partitions: readonly FetchedOffset[]
}

export interface FetchedOffset extends TopicPartition {
  /** -1: none was committed. */
  readonly offset: number
  /** Epoch of the record before; -1: not known. */
  readonly leaderEpoch: number
  readonly metadata: string | null
  readonly code: number
}

export function encodeOffsetFetch({ groupId, partitions, requireStable }: OffsetFetchRequest): Buffer {
  const out = new ByteWriter().string(groupId)
  return out
    .topics(partitions, ({ partition }) => out.int32(partition))
    .int8(requireStable ? 1 : 0)
    .noTags()
    .finish()
}

export function encodeOffsetFetchOfMember(
  { groupId, memberId, generation }: GroupMetadata,
  { partitions, requireStable }: Omit<OffsetFetchRequest, 'groupId'>,
): Buffer {
  const out = new ByteWriter()
  return out
    .array([groupId], () => {
      out.string(groupId).string(memberId).int32(generation)
      out.topics(partitions, ({ partition }) => out.int32(partition)).noTags()
    })
    .int8(requireStable ? 1 : 0)
    .noTags()
    .finish()
}

/** Throws a `RangeError` when it is cut off. */
export function decodeOffsetFetchOfMember(bytes: ArrivedBytes): OffsetFetchAnswer {
  const from = new ByteReader(bytes)
  from.int32()
  const [answer] = from.array(() => {
    from.string()
    const partitions = from.topics((topic) => decodePartition(from, topic))
    const code = from.int16()
    from.tags()
    return { partitions, code }
  })
  if (answer === undefined) throw new RangeError('an answer tells of no group')
  return answer
}

/** Throws a `RangeError` when it is cut off. */
export function decodeOffsetFetch(bytes: ArrivedBytes): OffsetFetchAnswer {
  const from = new ByteReader(bytes)
  from.int32()
  const partitions = from.topics((topic) => decodePartition(from, topic))
  return { partitions, code: from.int16() }
}

function decodePartition(from: ByteReader, topic: string): FetchedOffset {
  const partition = from.int32()
  const offset = from.int64()
  const leaderEpoch = from.int32()
  const metadata = from.string()
  const code = from.int16()
  from.tags()
  return { topic, partition, offset, leaderEpoch, metadata, code }
}
