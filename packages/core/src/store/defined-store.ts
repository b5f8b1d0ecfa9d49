import type { AnyStoreDefinition, StoreOptions, StoreShape } from './store-definition.ts'

/** A store's definition, frozen. Throws a `TypeError` for a name that can't name a folder and a topic, and for changelog options that exclude each other. */
export function definedStore<K, V>(shape: StoreShape, options: StoreOptions<K, V, 'sync' | 'async'>): AnyStoreDefinition {
  const { name, changelog } = options
  if (!/^[a-zA-Z0-9._-]{1,200}$/.test(name) || name === '.' || name === '..') {
    throw new TypeError(`A store can't be named '${name}': use letters, digits, '.', '_' and '-' (its name becomes a folder and a topic).`)
  }
  if (typeof changelog === 'object' && changelog.settings !== undefined && changelog.sourceTopic !== undefined) {
    throw new TypeError(`Store '${name}': its changelog is topic '${changelog.sourceTopic}', whose settings are not the store's to make.`)
  }
  return Object.freeze({ shape, ...options })
}
