import { ByteReader, type ArrivedBytes } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { byTopic } from './by-topic.ts'

/** Spoken by everything from 2.8 to 4.1. */
export const PRODUCE = { key: 0, version: 9 } as const
/** The same, but that a partition takes part in the transaction by it (KIP-890). */
export const PRODUCE_ADDING = { key: 0, version: 12 } as const

export interface ProducedPartition {
  readonly topic: string
  readonly partition: number
  readonly records: Uint8Array
}

/** In parts, so that records are not copied once more. To be acknowledged by all replicas in sync. */
export function encodeProduce(partitions: readonly ProducedPartition[], timeoutMs: number, transactionalId: string | null): Buffer[] {
  const parts: Buffer[] = []
  let out = new ByteWriter().string(transactionalId).int16(-1).int32(timeoutMs)
  out.array([...byTopic(partitions)], ([topic, ofTopic]) => {
    out.string(topic).array(ofTopic, ({ partition, records }) => {
      out.int32(partition).unsignedVarint(records.length + 1)
      parts.push(out.finish(), Buffer.from(records.buffer, records.byteOffset, records.byteLength))
      out = new ByteWriter()
      out.noTags()
    })
    out.noTags()
  })
  parts.push(out.noTags().finish())
  return parts
}

export interface ProduceAnswer {
  readonly partitions: readonly ProducedAnswer[]
}

export interface ProducedAnswer {
  readonly topic: string
  readonly partition: number
  readonly code: number
  /** Where the first record is; -1: not told. */
  readonly baseOffset: number
  /** What is wrong, in the broker's words. */
  readonly message: string | null
  /** Records that the broker refused, by their place in the batch. */
  readonly refused: readonly { readonly index: number; readonly message: string | null }[]
}

/** Throws a `RangeError` when it is cut off. */
export function decodeProduce(bytes: ArrivedBytes): ProduceAnswer {
  const from = new ByteReader(bytes)
  return { partitions: from.topics((topic) => decodePartition(from, topic)) }
}

function decodePartition(from: ByteReader, topic: string): ProducedAnswer {
  const partition = from.int32()
  const code = from.int16()
  const baseOffset = from.int64()
  // Time of appending, first offset of the log.
  for (let i = 0; i < 2; i++) from.int64()
  const refused = from.array(() => {
    const one = { index: from.int32(), message: from.string() }
    from.tags()
    return one
  })
  const message = from.string()
  from.tags()
  return { topic, partition, code, baseOffset, message, refused }
}
