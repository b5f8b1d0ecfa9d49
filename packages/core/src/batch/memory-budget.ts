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
  #used = 0

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes
  }

  get usedBytes(): number {
    return this.#used
  }

  /** Whether everybody is to cut what he has. */
  get spent(): boolean {
    return this.#used >= this.limitBytes
  }

  /** Records that take `bytes` wait from now on. Never refused. */
  take(bytes: number): void {
    this.#used += bytes
  }

  /** Records that take `bytes` wait no longer. */
  giveBack(bytes: number): void {
    this.#used -= bytes
  }
}
