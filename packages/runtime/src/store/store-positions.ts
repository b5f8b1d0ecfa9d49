import type { OffsetCommit } from '@millrace/core'
import { offsetsByPartition } from '../internal/offsets-by-partition.ts'

const VERSION = 2

/** What a local store says of itself, written in one piece with its entries. */
export interface StorePositions {
  /** The changelog the entries come from. */
  readonly changelogTopic: string
  readonly changelogPartition: number
  /** The topic's id, which another one of that name has not got. Absent where topics have none. */
  readonly changelogId?: string | undefined
  /** The entries hold at least every changelog record below this offset. */
  readonly changelogPosition: number
  /** When they held all of the changelog, milliseconds since the epoch. Older versions did not write it. */
  readonly upToDateAt?: number | undefined
  /** True: there was no changelog when the entries were written. */
  readonly unlogged?: true | undefined
  /** How the entries are laid out: see `RowFormat`. Absent: as the serdes make them. */
  readonly layout?: string | undefined
  /** Of a store of windows: its stream time, milliseconds since the epoch. */
  readonly streamTime?: number | undefined
  /** The input offsets that were committed when the entries were, or earlier, by topic-partition. */
  readonly inputs: Readonly<Record<string, number>>
  /** Without a changelog: the ids of the input topics, by name, as far as topics have some. */
  readonly inputIds?: Readonly<Record<string, string>> | undefined
}

export function encodePositions(positions: StorePositions): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ version: VERSION, ...positions }))
}

/** Undefined for what is not a store's metadata of a version known here. */
export function decodePositions(bytes: Uint8Array | undefined): StorePositions | undefined {
  if (bytes === undefined) return undefined
  try {
    const value = JSON.parse(new TextDecoder().decode(bytes)) as StorePositions & { version: unknown }
    return value.version === VERSION &&
      typeof value.changelogTopic === 'string' &&
      Number.isInteger(value.changelogPartition) &&
      Number.isInteger(value.changelogPosition)
      ? value
      : undefined
  } catch {
    return undefined
  }
}

/**
 * Which of two folders of one task is the newer: above 0 if that is `a`'s. Where the changelog ends is looked up after a commit, so that of a process that was
 * killed the folder may not say more of it than its predecessor's: then it is further in its inputs.
 */
export function compareReached(a: ReachedPositions, b: ReachedPositions): number {
  return a.changelogPosition - b.changelogPosition || sumOf(a.inputs) - sumOf(b.inputs) || (a.upToDateAt ?? 0) - (b.upToDateAt ?? 0)
}

/** What tells how far a store is. */
export type ReachedPositions = Pick<StorePositions, 'changelogPosition' | 'inputs' | 'upToDateAt'>

function sumOf(inputs: StorePositions['inputs']): number {
  return Object.values(inputs).reduce((sum, offset) => sum + offset, 0)
}

/** The stored input offset that lies beyond what the group has committed, if any does. */
export function inputBeyond(inputs: StorePositions['inputs'], committed: readonly OffsetCommit[]): string | undefined {
  const byKey = offsetsByPartition(committed)
  for (const [key, offset] of Object.entries(inputs)) {
    const known = byKey.get(key)
    if (known === undefined || offset > known) return key
  }
  return undefined
}
