import type { BatchKeyValueStore, Serde } from '@millrace/core'

/** As much of a store as counting needs, over a Map by serialised key. Counts its calls. */
export class MapStore<K> implements Pick<BatchKeyValueStore<K, number>, 'updateBatch'> {
  readonly calls: string[] = []
  readonly #key: Serde<K>
  readonly #entries = new Map<string, number>()

  constructor(key: Serde<K>) {
    this.#key = key
  }

  get(key: K): number | undefined {
    return this.#entries.get(String(this.#key.serialize(key)))
  }

  updateBatch(keys: readonly K[], update: (count: number | undefined, index: number) => number): Promise<number[]> {
    this.calls.push(`update ${keys.length}`)
    const counts = keys.map((key, i) => {
      const count = update(this.get(key), i)
      this.#entries.set(String(this.#key.serialize(key)), count)
      return count
    })
    return Promise.resolve(counts)
  }
}
