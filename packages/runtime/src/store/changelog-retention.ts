const DAY_MS = 86_400_000

/** How long compaction leaves a changelog's deletions where they are: its topic's `delete.retention.ms`. Kafka's default is one day. */
export const DELETE_RETENTION_MS = 7 * DAY_MS

/** Of that time, for clocks that differ, and for the time that a restore takes. */
const MARGIN = 1 / 7

/**
 * Whether the changelog may have dropped deletions that local state has not seen: deleted entries would come back. `upToDateAt`: when it last
 * held all of its changelog; undefined if that is not known. `retentionMs`: how long the changelog keeps deletions, where it was made by others.
 */
export function isOutdated(upToDateAt: number | undefined, now: number, retentionMs = DELETE_RETENTION_MS): boolean {
  return upToDateAt === undefined || now - upToDateAt > retentionMs * (1 - MARGIN)
}
