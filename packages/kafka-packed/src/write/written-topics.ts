import type { PartitionQueue } from './partition-queue.ts'

/** A topic that is written to. */
export interface WrittenTopic {
  readonly queues: readonly PartitionQueue[]
  /** When records were last put into its queues, on the monotonic clock. */
  usedAt: number
  /** Calls that are about to do so. */
  writing: number
}

/** Those of which nothing waits, and nothing is about to, since before a time: a program that names topics after what it meets would gather them for ever. */
export function idleTopics(topics: ReadonlyMap<string, WrittenTopic>, before: number): string[] {
  return [...topics].flatMap(([topic, { queues, usedAt, writing }]) =>
    usedAt < before && writing === 0 && queues.every(({ isEmpty }) => isEmpty) ? [topic] : [],
  )
}
