import { type Serde, serdes, type SessionKey, type StoreDefinition, type ValueAndTimestamp, type WindowKey } from '@millrace/core'
import type { QueryOptions } from '../app/query.ts'

/** A key or value of a store as bytes, with the times of its window or its own. Null: Kafka's null. */
export interface Packed {
  readonly bytes: Uint8Array | null
  readonly start?: number
  readonly end?: number
  readonly timestamp?: number
}

export type PackedEntry = readonly [key: Packed, value: Packed]

/** Which store is asked, and how. */
export interface StoreRequest {
  readonly store: string
  readonly options: QueryOptions
}

export interface LookUpRequest extends StoreRequest {
  readonly keys: readonly Packed[]
}

/** Entries of many keys at once: windows that start, or sessions, within a range of times. */
export interface RowsOfKeysRequest extends LookUpRequest {
  readonly range: object | undefined
}

/** Entries of a key, of a range of keys or times, or with a prefix. */
export interface ScanRequest extends StoreRequest {
  readonly scan: number
  readonly method: 'rangePages' | 'prefixPages' | 'fetch' | 'findSessions' | 'fetchAllPages'
  /** Of `fetch` and `findSessions`. */
  readonly key?: Packed
  readonly prefix?: Uint8Array
  /** Of `rangePages`: its bounds are packed. */
  readonly range?: object | undefined
  readonly pageSize: number | undefined
}

/** The first page, and whether there may be more. */
export interface ScanPage {
  readonly entries: readonly PackedEntry[]
  readonly done: boolean
}

/** Turns what a store's users see into what can be copied to another thread, and back: values of users keep their classes, by their serdes. */
export interface StorePacking {
  /** Of a key without a window. */
  readonly packPlain: (key: unknown) => Packed
  readonly unpackPlain: (packed: Packed) => unknown
  /** Of an entry's key: with its window, if the store has any. */
  readonly packKey: (key: unknown) => Packed
  readonly unpackKey: (packed: Packed) => unknown
  readonly packValue: (value: unknown) => Packed
  readonly unpackValue: (packed: Packed) => unknown
}

export function packingOf(definition: StoreDefinition): StorePacking {
  const { key, value } = definition as unknown as { readonly key: Serde<unknown>; readonly value: Serde<unknown> }
  const packPlain = (one: unknown): Packed => ({ bytes: packed(key, one) })
  const unpackPlain = ({ bytes }: Packed) => unpacked(key, bytes)
  const plain: StorePacking = {
    packPlain,
    unpackPlain,
    packKey: packPlain,
    unpackKey: unpackPlain,
    packValue: (one) => ({ bytes: packed(value, one) }),
    unpackValue: ({ bytes }) => unpacked(value, bytes),
  }
  switch (definition.shape) {
    case 'key-value':
      return plain
    case 'timestamped-key-value':
      return {
        ...plain,
        packValue: (one) => {
          const { value: own, timestamp } = one as ValueAndTimestamp<unknown>
          return { bytes: packed(value, own), timestamp }
        },
        unpackValue: ({ bytes, timestamp }) => ({ value: unpacked(value, bytes), timestamp }),
      }
    case 'window':
      return {
        ...plain,
        packKey: (one) => {
          const { key: own, start } = one as WindowKey<unknown>
          return { bytes: packed(key, own), start }
        },
        unpackKey: ({ bytes, start }) => ({ key: unpacked(key, bytes), start }),
      }
    case 'session':
      return {
        ...plain,
        packKey: (one) => {
          const { key: own, start, end } = one as SessionKey<unknown>
          return { bytes: packed(key, own), start, end }
        },
        unpackKey: ({ bytes, start, end }) => ({ key: unpacked(key, bytes), start, end }),
      }
  }
}

/** Copied out of what it lies in: a view would take all of that along. */
function packed(serde: Serde<unknown>, value: unknown): Uint8Array | null {
  const bytes = serde.serialize(value)
  return bytes === null ? null : new Uint8Array(bytes)
}

function unpacked(serde: Serde<unknown>, bytes: Uint8Array | null): unknown {
  if (bytes === null) return serde.deserializeNull === undefined ? serdes.void.deserializeNull?.() : serde.deserializeNull()
  return serde.deserialize(bytes, 0, bytes.byteLength)
}
