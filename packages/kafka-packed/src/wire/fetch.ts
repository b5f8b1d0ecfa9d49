import type { AbortedTransaction } from '../records/aborted-transactions.ts'
import { ByteReader, type ArrivedBytes } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'

/** Spoken by everything from 2.7 to 4.1, with leader epochs, racks and what was truncated. */
export const FETCH = { key: 1, version: 12 } as const
/** The same, from 3.1 on, but that topics go by their ids: one that was made anew is not taken for the one before. */
export const FETCH_BY_ID = { key: 1, version: 13 } as const

export interface FetchRequest {
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly readCommitted: boolean
  readonly rack: string
  readonly partitions: readonly FetchedPartition[]
}

export interface FetchedPartition {
  /** Its name, or its id. */
  readonly topic: string
  readonly partition: number
  /** Epoch of the leader as this side knows it; -1: whichever. */
  readonly leaderEpoch: number
  readonly offset: number
  /** Epoch of the record before `offset`; -1: not known, nothing is compared. */
  readonly fetchedEpoch: number
  readonly maxBytes: number
}

export function encodeFetch({ maxWaitMs, minBytes, maxBytes, readCommitted, rack, partitions }: FetchRequest, byId = false): Buffer {
  const out = new ByteWriter().int32(-1).int32(maxWaitMs).int32(minBytes).int32(maxBytes)
  // Without a session: each request says everything.
  return out
    .int8(readCommitted ? 1 : 0)
    .int32(0)
    .int32(-1)
    .topics(
      partitions,
      (one) => {
        out.int32(one.partition).int32(one.leaderEpoch).int64(one.offset).int32(one.fetchedEpoch).int64(-1).int32(one.maxBytes).noTags()
      },
      byId ? (id) => out.uuid(id) : undefined,
    )
    .array([], () => {})
    .string(rack)
    .noTags()
    .finish()
}

export interface FetchAnswer {
  readonly throttleMs: number
  readonly code: number
  readonly partitions: readonly PartitionAnswer[]
}

export interface PartitionAnswer {
  /** Its name, or its id: as it was asked for. */
  readonly topic: string
  readonly partition: number
  readonly code: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
  readonly aborted: readonly AbortedTransaction[]
  /** The replica to read from instead; -1: this one. */
  readonly preferredReplica: number
  readonly records: Uint8Array | null
  /** Where this replica's log parts from what was read before. */
  readonly diverging: { readonly epoch: number; readonly endOffset: number } | undefined
}

/** Throws a `RangeError` when it is cut off. */
export function decodeFetch(bytes: ArrivedBytes, byId = false): FetchAnswer {
  const from = new ByteReader(bytes)
  const throttleMs = from.int32()
  const code = from.int16()
  from.int32()
  const partitions = from.topics((topic) => decodePartition(from, topic), byId ? () => from.uuid() : undefined)
  return { throttleMs, code, partitions }
}

function decodePartition(from: ByteReader, topic: string): PartitionAnswer {
  const partition = from.int32()
  const code = from.int16()
  const highWatermark = from.int64()
  const lastStableOffset = from.int64()
  const logStartOffset = from.int64()
  const aborted = from.array(() => {
    const transaction = { producerId: from.int64(), firstOffset: from.int64() }
    from.tags()
    return transaction
  })
  const preferredReplica = from.int32()
  const records = from.bytes()
  let diverging: PartitionAnswer['diverging']
  from.tags((tag, field) => {
    if (tag === 0) diverging = { epoch: field.int32(), endOffset: field.int64() }
  })
  return { topic, partition, code, highWatermark, lastStableOffset, logStartOffset, aborted, preferredReplica, records, diverging }
}
