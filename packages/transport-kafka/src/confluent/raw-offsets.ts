import type { OffsetCommit } from '@millrace/core'
import type { RawTopicPartition } from './raw-api.ts'

/** The library takes metadata that is there and undefined for a string. */
export function rawOffsets(offsets: readonly OffsetCommit[]): RawTopicPartition[] {
  return offsets.map(({ topic, partition, offset, metadata }) =>
    metadata === undefined ? { topic, partition, offset } : { topic, partition, offset, metadata },
  )
}
