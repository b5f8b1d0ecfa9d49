import type { ClickHouseSettings } from '@clickhouse/client'

/** Since when a server drops an insert whose token it has seen, in tables that keep windows of them. */
export const TOKENS_SINCE = [22, 2] as const
/** Since when a server may gather inserts itself, where its profile says so. */
const GATHERS_SINCE = [21, 11] as const

/** Whether a server of this version drops an insert whose token it has seen. */
export function knowsTokens(version: string): boolean {
  return isSince(version, TOKENS_SINCE)
}

/** What an insert is sent with, where the server knows it: older ones refuse settings that they don't know. */
export function insertSettings(version: string, token: string): ClickHouseSettings {
  return {
    ...(knowsTokens(version) && { insert_deduplicate: 1, insert_deduplication_token: token }),
    // Batches are made here, and what counts as stored is to be stored.
    ...(isSince(version, GATHERS_SINCE) && { async_insert: 0 }),
  }
}

function isSince(version: string, [major, minor]: readonly [number, number]): boolean {
  const [first = 0, second = 0] = version.split('.').map(Number)
  return first > major || (first === major && second >= minor)
}
