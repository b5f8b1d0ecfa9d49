import { checkChangelog } from './changelog-checks.ts'
import type { AnyStoreDefinition, StoreOptions, StoreShape } from './store-definition.ts'

/** A store's definition, frozen. Throws a `TypeError` for a name that can't name a folder and a topic, and for changelog options that exclude each other or lose state. */
export function definedStore<K, V>(shape: StoreShape, options: StoreOptions<K, V, 'sync' | 'async'>): AnyStoreDefinition {
  const { name } = options
  if (!/^[a-zA-Z0-9._-]{1,200}$/.test(name) || name === '.' || name === '..') {
    throw new TypeError(`A store can't be named '${name}': use letters, digits, '.', '_' and '-' (its name becomes a folder and a topic).`)
  }
  checkChangelog(shape, options)
  return Object.freeze({ shape, ...options })
}
