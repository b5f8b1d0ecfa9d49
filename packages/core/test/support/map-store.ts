import type { BatchKeyValueStore, Serde, StoreColumns, StoreEntry } from '@millrace/core'

/** As much of a store as counting needs, over a Map by serialised key. Counts its calls. */
export class MapStore<K> implements Pick<BatchKeyValueStore<K, number>, 'getBatch' | 'setBatch'> {
  readonly calls: string[] = []
  readonly #key: Serde<K>
  readonly #entries = new Map<string, number>()

  constructor(key: Serde<K>) {
    this.#key = key
  }

  getBatch(keys: readonly K[]): Promise<(number | undefined)[]> {
    this.calls.push(`get ${keys.length}`)
    return Promise.resolve(keys.map((key) => this.#entries.get(String(this.#key.serialize(key)))))
  }

  setBatch(entries: Iterable<StoreEntry<K, number>> | StoreColumns<K, number>): void {
    const list = Symbol.iterator in entries ? [...entries] : entries.keys.map((key, i) => [key, entries.values[i] as number] as const)
    this.calls.push(`set ${list.length}`)
    for (const [key, count] of list) this.#entries.set(String(this.#key.serialize(key)), count)
  }
}
