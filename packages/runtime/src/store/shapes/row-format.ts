import type { AnyStoreDefinition, KeyValueStoreDefinition, Serde, StoreChange } from '@millrace/core'
import type { SealedChanges } from '../layers/store-layers.ts'
import { timestampedFormat } from './timestamped-format.ts'
import type { WindowLayout } from './window-layout.ts'
import { sessionFormat, windowFormat } from './windowed-format.ts'

/** What one kind of store makes of its users' keys and values on disk and in its changelog. */
export interface RowFormat {
  /** Names how rows are laid out: a folder of another layout can't be read. Empty: as the serdes make them. */
  readonly layout: string
  /** Of rows. */
  readonly key: Serde<unknown>
  readonly value: Serde<unknown>
  /** The changelog's records of changed rows. */
  readonly toRecords: (changes: SealedChanges) => SealedChanges
  /** The change of a row that a changelog's record stands for. Throws for a record that can't be one. */
  readonly toChange: (key: Uint8Array, value: Uint8Array | undefined, timestamp: number) => StoreChange
  /** How rows of windows lie. */
  readonly windows?: WindowLayout | undefined
}

export function formatOf(definition: AnyStoreDefinition): RowFormat {
  switch (definition.shape) {
    case 'key-value': {
      const { key, value } = definition as KeyValueStoreDefinition<unknown, unknown>
      return { layout: '', key, value, toRecords: (changes) => changes, toChange: (rowKey, rowValue) => ({ key: rowKey, value: rowValue }) }
    }
    case 'timestamped-key-value':
      return timestampedFormat(definition)
    case 'window':
      return windowFormat(definition)
    case 'session':
      return sessionFormat(definition)
  }
}
