import { type Entry, entryBytes } from './entry.ts'

/**
 * Committed entries that were used lately, bounded in bytes. Two generations: what is used moves to the young one; when that holds half of the
 * budget it becomes the old one, and what was left in the old one is forgotten. An entry without value says that the backend has none.
 */
export class ReadCache {
  readonly #halfBudget: number
  #young = new Map<unknown, Entry>()
  #old = new Map<unknown, Entry>()
  #youngBytes = 0

  constructor(maxBytes: number) {
    this.#halfBudget = maxBytes / 2
  }

  get(id: unknown): Entry | undefined {
    const young = this.#young.get(id)
    if (young !== undefined) return young
    const old = this.#old.get(id)
    if (old !== undefined) this.put(id, old)
    return old
  }

  put(id: unknown, entry: Entry): void {
    const before = this.#young.get(id)
    const bytes = entryBytes(entry)
    if (bytes > this.#halfBudget) {
      this.#young.delete(id)
      this.#old.delete(id)
      if (before !== undefined) this.#youngBytes -= entryBytes(before)
      return
    }
    this.#youngBytes += bytes - (before === undefined ? 0 : entryBytes(before))
    this.#young.set(id, entry)
    if (this.#youngBytes > this.#halfBudget) {
      this.#old = this.#young
      this.#young = new Map()
      this.#youngBytes = 0
    }
  }

  clear(): void {
    this.#young.clear()
    this.#old.clear()
    this.#youngBytes = 0
  }
}
