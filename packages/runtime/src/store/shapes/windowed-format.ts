import {
  type AnyStoreDefinition,
  type Serde,
  type SessionKey,
  type SessionStoreDefinition,
  viewColumn,
  type WindowKey,
  type WindowStoreDefinition,
  bytesAt,
} from '@millrace/core'
import type { RowFormat } from './row-format.ts'
import { checkTime, readTime, TIME_BYTES, writeTime } from './time-bytes.ts'
import { WindowLayout } from './window-layout.ts'

/** A window's start, and a number that tells duplicates apart, of which there are none here. */
const WINDOW_SUFFIX = TIME_BYTES + 4
/** A session's end and start. */
const SESSION_SUFFIX = 2 * TIME_BYTES

/** The changelog's key is the user's, the window's start (8 bytes) and 0 (4 bytes): as Kafka Streams' `WindowStore`. */
export function windowFormat(definition: AnyStoreDefinition): RowFormat {
  const { key, value, retentionMs } = definition as WindowStoreDefinition<unknown, unknown>
  const timeOf = (window: unknown) => checkedWindow(window).start
  const windows = new WindowLayout({ retentionMs, key, suffixBytes: WINDOW_SUFFIX, timeOf })
  const windowKey: Serde<unknown> = {
    name: `window of ${key.name}`,
    serialize(window) {
      const { key: inner, start } = checkedWindow(window)
      const row = windows.newRow(inner, start)
      writeTime(row, row.byteLength - WINDOW_SUFFIX, start)
      return row
    },
    deserialize: (bytes, start, end) => ({ key: windows.keyOf(bytes, start, end), start: readTime(bytes, end - WINDOW_SUFFIX) }),
  }
  return windowedFormat('window', windows, { key: windowKey, value })
}

/** The changelog's key is the user's, the session's end (8 bytes) and its start (8 bytes): as Kafka Streams' `SessionStore`. */
export function sessionFormat(definition: AnyStoreDefinition): RowFormat {
  const { key, value, retentionMs } = definition as SessionStoreDefinition<unknown, unknown>
  const timeOf = (session: unknown) => checkedSession(session).end
  const windows = new WindowLayout({ retentionMs, key, suffixBytes: SESSION_SUFFIX, timeOf })
  const sessionKey: Serde<unknown> = {
    name: `session of ${key.name}`,
    serialize(session) {
      const { key: inner, start, end } = checkedSession(session)
      const row = windows.newRow(inner, end)
      writeTime(row, row.byteLength - SESSION_SUFFIX, end)
      writeTime(row, row.byteLength - TIME_BYTES, start)
      return row
    },
    deserialize: (bytes, start, end) => ({
      key: windows.keyOf(bytes, start, end),
      start: readTime(bytes, end - TIME_BYTES),
      end: readTime(bytes, end - SESSION_SUFFIX),
    }),
  }
  return windowedFormat('session', windows, { key: sessionKey, value })
}

function windowedFormat(shape: string, windows: WindowLayout, { key, value }: Pick<RowFormat, 'key' | 'value'>): RowFormat {
  return {
    layout: `${shape}, kept for ${windows.retentionMs} ms`,
    key,
    value,
    windows,
    toRecords: (changes) => ({
      ...changes,
      keys: viewColumn(Array.from({ length: changes.length }, (_, i) => windows.changelogKey(bytesAt(changes.keys, i) as Uint8Array))),
    }),
    toChange: (changelogKey, rowValue) => ({ key: windows.rowKey(changelogKey), value: rowValue }),
  }
}

function checkedWindow(window: unknown): WindowKey<unknown> {
  if (typeof window !== 'object' || window === null) throw new TypeError('a window is { key, start }.')
  checkTime("a window's start", (window as WindowKey<unknown>).start)
  return window as WindowKey<unknown>
}

function checkedSession(session: unknown): SessionKey<unknown> {
  if (typeof session !== 'object' || session === null) throw new TypeError('a session is { key, start, end }.')
  const { start, end } = session as SessionKey<unknown>
  checkTime("a session's start", start)
  checkTime("a session's end", end)
  if (start > end) throw new TypeError(`a session's start (${start}) is after its end (${end}).`)
  return session as SessionKey<unknown>
}
