import { setTimeout as sleep } from 'node:timers/promises'
import type { OffsetCommit, TopicPartition } from '@millrace/core'
import { ClientError } from '../client/client-error.ts'
import type { Callback, RawConsumer, RawTopicPartition } from './raw-api.ts'
import type { UnderWay } from './under-way.ts'

/** Between two questions for an offset that a transaction still holds. */
const UNSTABLE_RETRY_MS = 50
/** The library gives the error of a partition by its words alone. */
const UNSTABLE = /unstable offsets/i
const UNKNOWN_TOPIC = /unknown topic or partition/i

type Answer = readonly (RawTopicPartition | Error)[]

/**
 * Committed offsets of a consumer's group; one that reads committed records waits until no transaction holds them. The admin API has a call
 * for any group, but it ends the process: an assertion of librdkafka fails when a coordinator comes back after that call has timed out.
 */
export async function committedOffsets(
  { consumer, underWay }: { readonly consumer: RawConsumer; readonly underWay: UnderWay },
  partitions: readonly TopicPartition[],
  timeoutMs: number,
): Promise<readonly OffsetCommit[]> {
  if (partitions.length === 0) return []
  const asked = partitions.map(({ topic, partition }) => ({ topic, partition }))
  const until = performance.now() + timeoutMs
  for (;;) {
    const answer = await underWay.ask('look up committed offsets', timeoutMs, (callback: Callback<Answer>) =>
      consumer.committed(asked, timeoutMs, callback),
    )
    const unstable = answer.some((one) => one instanceof Error && UNSTABLE.test(one.message))
    if (!unstable || performance.now() >= until) return answer.flatMap(toCommit)
    await sleep(UNSTABLE_RETRY_MS)
  }
}

function toCommit(one: RawTopicPartition | Error): OffsetCommit[] {
  if (one instanceof Error) {
    // What does not exist has no offsets.
    if (UNKNOWN_TOPIC.test(one.message)) return []
    throw new ClientError(one.message, { kind: UNSTABLE.test(one.message) ? 'unstable-offset' : 'other', code: 0, cause: one })
  }
  const { topic, partition, offset, metadata } = one
  if (offset === undefined || offset < 0) return []
  return [metadata == null || metadata === '' ? { topic, partition, offset } : { topic, partition, offset, metadata }]
}
