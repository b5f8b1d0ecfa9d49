import type { TopicPartition } from '@millrace/core'
import type { PositionCommit } from '../read/read-position.ts'
import { ByteReader, type ArrivedBytes } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import type { GroupMetadata } from './group-metadata.ts'

/** In these versions all brokers from 2.8 to 4.1 speak it. */
export const ADD_PARTITIONS = { key: 24, version: 3 } as const
export const ADD_OFFSETS = { key: 25, version: 3 } as const

/** Of the first transactions, and of the second (KIP-890): the same but for what is answered, and what the broker does. */
export const END_TRANSACTION = { key: 26, first: 3, second: 5 } as const
export const COMMIT_OFFSETS = { key: 28, first: 3, second: 5 } as const

/** Who writes in a transaction. */
export interface TransactionalProducer {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
}

function begin({ transactionalId, producerId, producerEpoch }: TransactionalProducer): ByteWriter {
  return new ByteWriter().string(transactionalId).int64(producerId).int16(producerEpoch)
}

export function encodeAddPartitions(producer: TransactionalProducer, partitions: readonly TopicPartition[]): Buffer {
  const out = begin(producer)
  return out
    .topics(partitions, ({ partition }) => out.int32(partition))
    .noTags()
    .finish()
}

export interface PartitionCode extends TopicPartition {
  readonly code: number
}

/** Of adding partitions and of committing offsets. Throws a `RangeError` when it is cut off. */
export function decodePartitionCodes(bytes: ArrivedBytes): readonly PartitionCode[] {
  const from = new ByteReader(bytes)
  from.int32()
  return from.topics((topic) => {
    const one = { topic, partition: from.int32(), code: from.int16() }
    from.tags()
    return one
  })
}

export function encodeAddOffsets(producer: TransactionalProducer, groupId: string): Buffer {
  return begin(producer).string(groupId).noTags().finish()
}

export function decodeCode(bytes: ArrivedBytes): number {
  const from = new ByteReader(bytes)
  from.int32()
  return from.int16()
}

export function encodeCommitOffsets(producer: TransactionalProducer, group: GroupMetadata, offsets: readonly PositionCommit[]): Buffer {
  const out = new ByteWriter().string(producer.transactionalId).string(group.groupId)
  out
    .int64(producer.producerId)
    .int16(producer.producerEpoch)
    .int32(group.generation)
    .string(group.memberId)
    .string(group.groupInstanceId ?? null)
  out.topics(offsets, ({ partition, offset, leaderEpoch = -1, metadata }) => {
    out
      .int32(partition)
      .int64(offset)
      .int32(leaderEpoch)
      .string(metadata ?? null)
      .noTags()
  })
  return out.noTags().finish()
}

export function encodeEnd(producer: TransactionalProducer, end: 'commit' | 'abort'): Buffer {
  return begin(producer)
    .int8(end === 'commit' ? 1 : 0)
    .noTags()
    .finish()
}

export interface EndAnswer {
  readonly code: number
  /** As whom to go on; absent: as before. */
  readonly next: { readonly producerId: number; readonly producerEpoch: number } | undefined
}

/** Throws a `RangeError` when it is cut off. */
export function decodeEnd(bytes: ArrivedBytes, version: number): EndAnswer {
  const from = new ByteReader(bytes)
  from.int32()
  const code = from.int16()
  if (version < END_TRANSACTION.second) return { code, next: undefined }
  const producerId = from.int64()
  const producerEpoch = from.int16()
  return { code, next: producerId < 0 ? undefined : { producerId, producerEpoch } }
}
