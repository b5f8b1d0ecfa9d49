import type { Entry } from './entry.ts'
import { entryBytes } from './entry.ts'

/** Changes of state, by key, in the order in which keys were first changed. Used for the attempt, the open and the sealed layer. */
export class ChangeLayer {
  readonly #entries = new Map<unknown, Entry>()
  /** Serialised bytes, with what entries cost beside them. */
  bytes = 0

  get size(): number {
    return this.#entries.size
  }

  get(id: unknown): Entry | undefined {
    return this.#entries.get(id)
  }

  put(id: unknown, entry: Entry): void {
    const before = this.#entries.get(id)
    if (before !== undefined) this.bytes -= entryBytes(before)
    this.bytes += entryBytes(entry)
    this.#entries.set(id, entry)
  }

  /** Moves everything into `below`, over what is there. */
  mergeInto(below: ChangeLayer): void {
    for (const [id, entry] of this.#entries) below.put(id, entry)
    this.clear()
  }

  clear(): void {
    this.#entries.clear()
    this.bytes = 0
  }

  entries(): IterableIterator<[id: unknown, entry: Entry]> {
    return this.#entries.entries()
  }
}
