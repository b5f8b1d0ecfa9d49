import type { Entry } from './entry.ts'

/**
 * Committed entries that were used lately, bounded in bytes. Two generations: what is used moves to the young one; when that has half of the
 * budget it becomes the old one, and what was left in the old one is forgotten. An entry without value says that the backend has none.
 */
export class ReadCache {
  readonly #halfBudget: number
  #young = new Map<unknown, Entry>()
  #old = new Map<unknown, Entry>()
  #youngBytes = 0

  /** `maxBytes` of 0 keeps nothing. */
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
    if (before !== undefined) this.#youngBytes -= before.bytes
    const { bytes } = entry
    if (bytes > this.#halfBudget) {
      // What is too large to keep must not leave an outdated entry behind.
      this.#young.delete(id)
      this.#old.delete(id)
      return
    }
    if (this.#youngBytes + bytes > this.#halfBudget) {
      this.#young.delete(id)
      this.#old = this.#young
      this.#young = new Map()
      this.#youngBytes = 0
    }
    this.#young.set(id, entry)
    this.#youngBytes += bytes
  }

  clear(): void {
    this.#young.clear()
    this.#old.clear()
    this.#youngBytes = 0
  }
}
