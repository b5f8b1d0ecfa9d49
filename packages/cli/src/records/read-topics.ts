import {
  bytesAt,
  type Headers,
  partitionKey,
  type TopicPartition,
  type Transport,
  type TransportAdmin,
  type TransportContext,
} from '@millrace/core'

/** A record as it lies in its topic. */
export interface RawRecord extends TopicPartition {
  readonly offset: number
  /** Milliseconds since 1970. */
  readonly timestamp: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: Headers
}

/** What is to be read of a partition. */
export interface ReadRange extends TopicPartition {
  /** The first offset. Default: the first that there is. */
  readonly from?: number | undefined
  /** The offset after the last. Default: where the partition ends. */
  readonly to?: number | undefined
}

const POLL_MS = 1_000

export interface ReadTopicsOptions {
  readonly transport: Transport
  readonly admin: TransportAdmin
  readonly context: TransportContext
  readonly partitions: readonly ReadRange[]
  /** Ends the reading early. */
  readonly stop?: AbortSignal | undefined
}

/**
 * Committed records of these partitions, or of a part of them, up to where they end now, in the order in which they come: that of offsets within a partition. The bytes are the
 * taker's.
 */
export async function* readTopics({
  transport,
  admin,
  context,
  partitions,
  stop,
}: ReadTopicsOptions): AsyncGenerator<readonly RawRecord[]> {
  const asked = new Map(partitions.map((range) => [partitionKey(range.topic, range.partition), range]))
  const [begins, ends] = await Promise.all([admin.beginningOffsets(partitions), admin.endOffsets(partitions, 'read-committed')])
  const open = new Map(
    ends.map(({ topic, partition, offset }) => {
      const key = partitionKey(topic, partition)
      return [key, Math.min(offset, asked.get(key)?.to ?? Infinity)]
    }),
  )
  const starts = begins.map((at) => ({ ...at, offset: Math.max(at.offset, asked.get(partitionKey(at.topic, at.partition))?.from ?? 0) }))
  for (const { topic, partition, offset } of starts) {
    const key = partitionKey(topic, partition)
    if (offset >= (open.get(key) ?? 0)) open.delete(key)
  }
  if (open.size === 0) return
  await using source = await transport.openSource({ clientId: 'millrace-cli', isolation: 'read-committed' }, context)
  await source.assign(starts.filter(({ topic, partition }) => open.has(partitionKey(topic, partition))))
  while (open.size > 0 && stop?.aborted !== true) {
    const polled = await source.poll(POLL_MS)
    for (const wire of polled.batches) {
      const { topic, partition, length } = wire
      const end = open.get(partitionKey(topic, partition)) ?? 0
      const records: RawRecord[] = []
      for (let i = 0; i < length; i++) {
        const offset = wire.offsets[i] as number
        if (offset >= end) break
        records.push({
          topic,
          partition,
          offset,
          timestamp: wire.timestamps[i] as number,
          key: copied(bytesAt(wire.keys, i)),
          value: copied(bytesAt(wire.values, i)),
          headers: (wire.headers?.[i] ?? []).map((header) => ({ key: header.key, value: copied(header.value) })),
        })
      }
      const last = wire.offsets[length - 1]
      wire.release()
      if (records.length > 0) yield records
      if (last !== undefined && last + 1 >= end) open.delete(partitionKey(topic, partition))
    }
    for (const { topic, partition, offset } of polled.ends) {
      if (offset >= (open.get(partitionKey(topic, partition)) ?? 0)) open.delete(partitionKey(topic, partition))
    }
  }
}

function copied(bytes: Uint8Array | null): Uint8Array | null {
  return bytes === null ? null : bytes.slice()
}
