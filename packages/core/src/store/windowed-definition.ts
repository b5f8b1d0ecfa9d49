import type { Serde } from '../serde/serde.ts'
import { definedStore } from './defined-store.ts'
import type { StoreDefinition, StoreOptions } from './store-definition.ts'
import type { BatchSessionStore, BatchWindowStore, SessionStore, WindowStore } from './windowed-store.ts'

/** What a session store is made of. */
export interface SessionStoreOptions<K, V, Access extends 'sync' | 'async'> extends StoreOptions<K, V, Access> {
  /** How long entries are kept after their end, in milliseconds of stream time: at least 1. */
  readonly retentionMs: number
}

/** What a window store is made of. */
export interface WindowStoreOptions<K, V, Access extends 'sync' | 'async'> extends StoreOptions<K, V, Access> {
  /** How long a window is, in milliseconds: at least 1. */
  readonly windowSizeMs: number
  /** How long entries are kept after their window's start, in milliseconds of stream time: at least `windowSizeMs`. */
  readonly retentionMs: number
}

interface Windowed<K, V> {
  readonly key: Serde<K>
  readonly value: Serde<V>
  readonly retentionMs: number
}

/** A window store whose backend answers at once. */
export interface WindowStoreDefinition<K, V> extends StoreDefinition<WindowStore<K, V>>, Windowed<K, V> {
  readonly shape: 'window'
  readonly access: 'sync'
  readonly windowSizeMs: number
}

/** A window store whose backend answers later: no `get`. */
export interface AsyncWindowStoreDefinition<K, V> extends StoreDefinition<BatchWindowStore<K, V>>, Windowed<K, V> {
  readonly shape: 'window'
  readonly access: 'async'
  readonly windowSizeMs: number
}

/** A session store whose backend answers at once. */
export interface SessionStoreDefinition<K, V> extends StoreDefinition<SessionStore<K, V>>, Windowed<K, V> {
  readonly shape: 'session'
  readonly access: 'sync'
}

/** A session store whose backend answers later: no `get`. */
export interface AsyncSessionStoreDefinition<K, V> extends StoreDefinition<BatchSessionStore<K, V>>, Windowed<K, V> {
  readonly shape: 'session'
  readonly access: 'async'
}

/** Defines a window store over any backend. Throws a `TypeError` for a name that can't name a folder and a topic, times that can't be, or changelog settings by which state is lost. */
export function defineWindowStore<K, V>(options: WindowStoreOptions<K, V, 'sync'>): WindowStoreDefinition<K, V>
export function defineWindowStore<K, V>(options: WindowStoreOptions<K, V, 'async'>): AsyncWindowStoreDefinition<K, V>
export function defineWindowStore<K, V>(
  options: WindowStoreOptions<K, V, 'sync' | 'async'>,
): WindowStoreDefinition<K, V> | AsyncWindowStoreDefinition<K, V> {
  const { name, windowSizeMs, retentionMs } = options
  checkTime(name, 'windowSizeMs', windowSizeMs)
  checkTime(name, 'retentionMs', retentionMs)
  if (retentionMs < windowSizeMs)
    throw new TypeError(
      `Store '${name}': retentionMs is ${retentionMs}, less than windowSizeMs (${windowSizeMs}): windows would end after they are gone.`,
    )
  return definedStore('window', options) as WindowStoreDefinition<K, V> | AsyncWindowStoreDefinition<K, V>
}

/** Defines a session store over any backend. Throws as {@link defineWindowStore} does. */
export function defineSessionStore<K, V>(options: SessionStoreOptions<K, V, 'sync'>): SessionStoreDefinition<K, V>
export function defineSessionStore<K, V>(options: SessionStoreOptions<K, V, 'async'>): AsyncSessionStoreDefinition<K, V>
export function defineSessionStore<K, V>(
  options: SessionStoreOptions<K, V, 'sync' | 'async'>,
): SessionStoreDefinition<K, V> | AsyncSessionStoreDefinition<K, V> {
  checkTime(options.name, 'retentionMs', options.retentionMs)
  return definedStore('session', options) as SessionStoreDefinition<K, V> | AsyncSessionStoreDefinition<K, V>
}

function checkTime(store: string, option: string, ms: number): void {
  if (Number.isSafeInteger(ms) && ms >= 1) return
  throw new TypeError(`Store '${store}': ${option} is ${String(ms)}; use a whole number of milliseconds, at least 1.`)
}
