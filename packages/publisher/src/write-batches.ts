import { viewColumn, type WriteBatch } from '@millrace/core'
import type { PendingEvent } from './pending-event.ts'

/** Events of one topic, as columns. */
export function writeBatchOf(topic: string, events: readonly PendingEvent[]): WriteBatch {
  return {
    topic,
    length: events.length,
    keys: viewColumn(events.map(({ key }) => key)),
    values: viewColumn(events.map(({ value }) => value)),
    timestamps: events.map(({ timestamp }) => timestamp),
    headers: events.map(({ headers }) => headers),
  }
}

/** Events by their topics, in their order. */
export function byTopic(events: readonly PendingEvent[]): Map<string, PendingEvent[]> {
  const topics = new Map<string, PendingEvent[]>()
  for (const event of events) {
    const known = topics.get(event.topic)
    if (known === undefined) topics.set(event.topic, [event])
    else known.push(event)
  }
  return topics
}
