import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger, OffsetCommit } from '@millrace/core'
import type { KafkaClient } from '../client/kafka-client.ts'
import { OffsetCommits } from '../commit/offset-commits.ts'

/** Between two looks for the answer, which comes only to who fetches. */
const LOOK_MS = 10

export interface GroupCommit {
  readonly groupId: string
  readonly offsets: readonly OffsetCommit[]
  readonly logger: Logger
  readonly requestTimeoutMs: number
}

/**
 * Commits offsets for a group that nobody is in, through a consumer that names the group and does not join it: the client's admin has no call for that.
 * The broker refuses it where there are members.
 */
export async function commitForGroup(kafka: KafkaClient, { groupId, offsets, logger, requestTimeoutMs }: GroupCommit): Promise<void> {
  const client = await kafka.openConsumer({ groupId, clientId: 'millrace-admin', isolation: 'read-uncommitted' }, logger)
  try {
    const commits = new OffsetCommits((all) => client.commit(all), requestTimeoutMs)
    client.listen({ onReady: () => undefined, onRebalance: () => undefined, onCommitted: commits.onCommitted })
    const committed = commits.commit(offsets)
    let waiting = true
    const settled = () => {
      waiting = false
    }
    committed.then(settled, settled)
    while (waiting) {
      await client.fetch(1)
      await sleep(LOOK_MS)
    }
    await committed
  } finally {
    await client.close().catch((error: unknown) => logger.warn({ err: error }, 'A Kafka consumer did not disconnect in time'))
  }
}
