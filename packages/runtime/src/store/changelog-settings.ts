import type { AnyStoreDefinition, WindowStoreDefinition } from '@millrace/core'
import { DELETE_RETENTION_MS } from './changelog-retention.ts'

/** What a changelog of windows keeps longer than the store, as Kafka Streams' `windowstore.changelog.additional.retention.ms`: for clocks that differ. */
const ADDITIONAL_RETENTION_MS = 86_400_000

/** Settings of a store's changelog topic: Kafka Streams', for how long local state may be away, and then what the definition says. */
export function changelogSettings(definition: AnyStoreDefinition): Readonly<Record<string, string>> {
  const { shape, changelog } = definition
  const windows = shape === 'window' || shape === 'session'
  return {
    'cleanup.policy': windows ? 'compact,delete' : 'compact',
    'delete.retention.ms': String(DELETE_RETENTION_MS),
    'message.timestamp.type': 'CreateTime',
    ...(windows
      ? { 'retention.ms': String((definition as WindowStoreDefinition<unknown, unknown>).retentionMs + ADDITIONAL_RETENTION_MS) }
      : {}),
    ...(typeof changelog === 'object' ? changelog.settings : {}),
  }
}
