import type { ByteRange } from '@millrace/core'
import type { Entry } from './entry.ts'
import { SortedIds } from './sorted-ids.ts'

/** Changes of state, by key, in the order in which keys were first changed. Used for the attempt, the open and the sealed layer. */
export class ChangeLayer {
  readonly #entries = new Map<unknown, Entry>()
  /** Kept from the first scan on: most layers are never scanned. */
  #order: SortedIds | undefined
  #bytes = 0

  /** What the entries take in memory. */
  get bytes(): number {
    return this.#bytes
  }

  get size(): number {
    return this.#entries.size
  }

  get(id: unknown): Entry | undefined {
    return this.#entries.get(id)
  }

  put(id: unknown, entry: Entry): void {
    const before = this.#entries.get(id)
    if (before !== undefined) this.#bytes -= before.bytes
    else this.#order?.add(id, entry.key)
    this.#bytes += entry.bytes
    this.#entries.set(id, entry)
  }

  /** Puts everything into `below`, over what is there. */
  mergeInto(below: ChangeLayer): void {
    for (const [id, entry] of this.#entries) below.put(id, entry)
  }

  entries(): IterableIterator<[id: unknown, entry: Entry]> {
    return this.#entries.entries()
  }

  /** In the order in which keys were first changed. */
  changes(): Entry[] {
    return [...this.#entries.values()]
  }

  /** The changes within a range, in ascending order of their keys. */
  within(range: ByteRange): Entry[] {
    const found: Entry[] = []
    for (const { id } of this.#ordered().within(range)) found.push(this.#entries.get(id) as Entry)
    return found
  }

  #ordered(): SortedIds {
    if (this.#order === undefined) {
      this.#order = new SortedIds()
      for (const [id, { key }] of this.#entries) this.#order.add(id, key)
    }
    return this.#order
  }
}
