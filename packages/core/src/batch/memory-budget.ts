import { describeValue } from '../internal/describe-value.ts'

/**
 * What a waiting record is taken to cost in memory besides its serialised key and value, in bytes: two views of them, its offset, timestamp and
 * headers, and its place in a queue.
 */
export const RECORD_MEMORY_BYTES = 200

/** Estimated memory of waiting records that have `bytes` serialised. */
export function memoryOf(records: number, bytes: number): number {
  return bytes + records * RECORD_MEMORY_BYTES
}

/** Memory shared by several batchers. It is an estimate that says when to cut; nothing is refused for it. */
export class MemoryBudget {
  readonly limitBytes: number
  readonly #listeners = new Set<() => void>()
  #used = 0

  /** `limitBytes`: at least 1; Infinity: no limit. */
  constructor(limitBytes: number) {
    if (typeof limitBytes !== 'number' || !(limitBytes >= 1))
      throw new TypeError(`The limit of a MemoryBudget is ${describeValue(limitBytes)}; use a number of bytes of at least 1, or Infinity.`)
    this.limitBytes = limitBytes
  }

  get usedBytes(): number {
    return this.#used
  }

  /** Whether everybody is to cut what he has. */
  get spent(): boolean {
    return this.#used >= this.limitBytes
  }

  /** Calls `listener` whenever the budget has become spent, and whenever there is room again; returns how to stop that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Something that is estimated to take so much memory waits now. Never refused. */
  take(bytes: number): void {
    const before = this.spent
    this.#used += bytes
    if (!before && this.spent) for (const listener of this.#listeners) listener()
  }

  /** It waits no longer. */
  giveBack(bytes: number): void {
    const before = this.spent
    this.#used -= bytes
    if (before && !this.spent) for (const listener of this.#listeners) listener()
  }
}
