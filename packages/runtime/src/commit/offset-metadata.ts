/** The highest timestamp of a partition, kept with its committed offset so that stream time survives a restart. */
const MAGIC = 2

/** Kafka Streams' `TopicPartitionMetadata`, version 2: base64 of one byte 2 and the time as an 8-byte big-endian number. */
export function encodePartitionTime(time: number): string {
  const bytes = Buffer.alloc(9)
  bytes[0] = MAGIC
  bytes.writeBigInt64BE(BigInt(Math.trunc(time)), 1)
  return bytes.toString('base64')
}

/** The time in commit metadata; -1 where there is none, or where something else wrote it. */
export function decodePartitionTime(metadata: string | undefined): number {
  if (metadata === undefined || metadata === '') return -1
  const bytes = Buffer.from(metadata, 'base64')
  return bytes.length >= 9 && bytes[0] === MAGIC ? Number(bytes.readBigInt64BE(1)) : -1
}
