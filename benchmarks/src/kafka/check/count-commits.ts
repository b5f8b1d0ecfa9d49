import { bytesAt } from '@millrace/core'
import { readTopic, type TopicReading } from './read-topic.ts'
import type { TopicBatch } from './topic-reader.ts'

/** Where brokers keep what groups commit. */
export const OFFSETS_TOPIC = '__consumer_offsets'
/** Versions of its keys; later ones are of members. */
const LAST_OFFSET_KEY = 1

/** How often a group has committed offsets of a topic; the beginning does not count. */
export async function countCommits(
  reading: Pick<TopicReading, 'transport' | 'openReader' | 'partitions'>,
  { group, topic }: { readonly group: string; readonly topic: string },
): Promise<number> {
  // All partitions of a commit have one.
  const times = new Set<number>()
  await readTopic({ ...reading, topic: OFFSETS_TOPIC, isolation: 'read-committed' }, (batch) => {
    for (let i = 0; i < batch.length; i++) {
      const commit = commitAt(batch, i)
      if (commit === undefined || commit.group !== group || commit.topic !== topic || commit.offset === 0n) continue
      times.add(batch.timestamps[i] as number)
    }
  })
  return times.size
}

interface Commit {
  readonly group: string
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

function commitAt({ keys, values }: TopicBatch, i: number): Commit | undefined {
  const key = bytesAt(keys, i)
  const value = bytesAt(values, i)
  return key === null || value === null ? undefined : commitIn(Buffer.from(key), Buffer.from(value))
}

/** A record of brokers' own topic; undefined where it is of something else. */
export function commitIn(key: Buffer, value: Buffer): Commit | undefined {
  if (key.readInt16BE(0) > LAST_OFFSET_KEY) return undefined
  let at = 2
  const text = () => {
    const length = key.readInt16BE(at)
    at += 2 + length
    return key.toString('utf8', at - length, at)
  }
  return { group: text(), topic: text(), partition: key.readInt32BE(at), offset: value.readBigInt64BE(2) }
}
