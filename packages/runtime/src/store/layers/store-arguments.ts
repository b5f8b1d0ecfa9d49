import type { StoreColumns, StoreEntry } from '@millrace/core'

type Columns = StoreColumns<unknown, unknown>

const ENTRIES = 'pairs, or { keys, values } with two arrays'

/** Throws a `TypeError` for what is no array: something else may have keys, but no positions. */
export function checkKeys(store: string, operation: string, keys: unknown): void {
  if (!Array.isArray(keys)) throw wanted(store, operation, 'an array of keys', keys)
}

export function checkUpdate(store: string, update: unknown): void {
  if (typeof update !== 'function') throw wanted(store, 'updateBatch', 'a function from a value to the next one', update)
}

/** What `setBatch` was given, as columns. Throws a `TypeError` if it is neither entries nor columns, a `RangeError` if their lengths differ. */
export function columnsOf(store: string, entries: Iterable<StoreEntry<unknown, unknown>> | Columns): Columns {
  if (!isObject(entries)) throw wanted(store, 'setBatch', ENTRIES, entries)
  if (Symbol.iterator in entries) return gathered(entries)
  const { keys, values } = entries
  if (!Array.isArray(keys) || !Array.isArray(values)) throw wanted(store, 'setBatch', ENTRIES, entries)
  if (keys.length === values.length) return { keys, values }
  throw new RangeError(`Store '${store}': setBatch was given ${keys.length} keys but ${values.length} values.`)
}

function gathered(entries: Iterable<StoreEntry<unknown, unknown>>): Columns {
  const keys: unknown[] = []
  const values: unknown[] = []
  for (const [key, value] of entries) {
    keys.push(key)
    values.push(value)
  }
  return { keys, values }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

function wanted(store: string, operation: string, what: string, given: unknown): TypeError {
  const kind = given === null ? 'null' : isObject(given) ? `a ${(given as object).constructor?.name ?? 'plain object'}` : typeof given
  return new TypeError(`Store '${store}': ${operation} takes ${what}, not ${kind}.`)
}
