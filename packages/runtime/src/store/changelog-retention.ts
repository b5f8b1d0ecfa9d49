const DAY_MS = 86_400_000

/** How long compaction leaves a changelog's deletions where they are: its topic's `delete.retention.ms`. Kafka's default is one day. */
export const DELETE_RETENTION_MS = 7 * DAY_MS

/** For clocks that differ, and for the time that a restore takes. */
const MARGIN_MS = DAY_MS

/**
 * Whether the changelog may have dropped deletions that local state has not seen: deleted entries would come back. `upToDateAt`: when it last
 * held all of its changelog; undefined if that is not known.
 */
export function isOutdated(upToDateAt: number | undefined, now: number): boolean {
  return upToDateAt === undefined || now - upToDateAt > DELETE_RETENTION_MS - MARGIN_MS
}
