import { setTimeout as sleep } from 'node:timers/promises'
import { partitionKey, type TopicPartition, type TopicPartitionOffset, type TransportAdmin } from '@millrace/core'

/** Between two questions. */
const LOOK_MS = 50

/** How {@link settledEndOffsets} waits. */
export interface SettledEndOffsetsOptions {
  /** How long transactions that are open now may take to end, in milliseconds. Default: 60,000, the default of a producer's `transaction.timeout.ms`. */
  readonly limitMs?: number
}

/**
 * Where partitions end for who reads what is committed, once every transaction is over that is open in them now. A commit that has resolved is decided, but it is the
 * coordinator that then writes its end into each partition (KIP-98): until it has, its records are hidden, and so is what others wrote behind them. A test that
 * reads what an application has just committed begins here. Rejects with an `Error` that names the partitions in which a transaction is still open at the end of
 * the limit, as one of a process that was killed may be, or with what the transport's admin rejects with.
 */
export async function settledEndOffsets(
  admin: TransportAdmin,
  partitions: readonly TopicPartition[],
  { limitMs = 60_000 }: SettledEndOffsetsOptions = {},
): Promise<readonly TopicPartitionOffset[]> {
  const until = performance.now() + limitMs
  const written = new Map(
    (await admin.endOffsets(partitions, 'read-uncommitted')).map(({ topic, partition, offset }) => [
      partitionKey(topic, partition),
      offset,
    ]),
  )
  for (;;) {
    const visible = await admin.endOffsets(partitions, 'read-committed')
    const open = visible.filter(({ topic, partition, offset }) => offset < (written.get(partitionKey(topic, partition)) ?? 0))
    if (open.length === 0) return visible
    if (performance.now() > until) {
      const names = open.map(({ topic, partition }) => `'${topic}' ${partition}`).join(', ')
      throw new Error(`After ${limitMs / 1_000} s a transaction is still open in ${names}.`)
    }
    await sleep(LOOK_MS)
  }
}
