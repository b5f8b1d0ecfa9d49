import {
  bytesAt,
  type Clock,
  type Headers,
  MillraceError,
  partitionKey,
  systemClock,
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
/** Without anything that comes: brokers that are there have answered long before. */
const SILENCE_MS = 30_000

export interface ReadTopicsOptions {
  readonly transport: Transport
  readonly admin: TransportAdmin
  readonly context: TransportContext
  readonly partitions: readonly ReadRange[]
  /** Ends the reading early. */
  readonly stop?: AbortSignal | undefined
  /** Default: that of the system. */
  readonly clock?: Clock | undefined
}

/**
 * Committed records of these partitions, or of a part of them, up to where they end now, in the order in which they come: that of offsets within a partition. The bytes are the
 * taker's. Rejects with a retryable `TIMED_OUT` when nothing comes any more of what is known to be there.
 */
export async function* readTopics({
  transport,
  admin,
  context,
  partitions,
  stop,
  clock = systemClock,
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
  let silentMs = 0
  while (open.size > 0 && stop?.aborted !== true) {
    // Only what is waited for brokers counts, and not what the taker does with records.
    const began = clock.monotonic()
    const polled = await source.poll(POLL_MS)
    const nothing = polled.batches.length === 0 && polled.ends.length === 0
    silentMs = nothing ? silentMs + clock.monotonic() - began : 0
    if (silentMs >= SILENCE_MS) throw silence([...open.keys()])
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

function silence(partitions: readonly string[]): MillraceError {
  const message = `Nothing was read for ${SILENCE_MS / 1_000} s, and not all was: are the brokers there that have ${partitions.join(', ')}?`
  return new MillraceError('TIMED_OUT', message, { stage: 'source', retryable: true })
}

function copied(bytes: Uint8Array | null): Uint8Array | null {
  return bytes === null ? null : bytes.slice()
}
