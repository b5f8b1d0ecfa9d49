import { type MemoryBudget, memoryOf } from './memory-budget.ts'

/** What was appended to a batcher and is not settled yet, in order. */
export class WaitingItems<T> {
  readonly #sizeOf: (item: T) => number
  readonly #memory: MemoryBudget
  #items: T[] = []
  #sizes: number[] = []
  #arrivals: number[] = []
  /** How many were ever appended. */
  appended = 0
  /** Serialised bytes of all. */
  bytes = 0

  constructor(sizeOf: (item: T) => number, memory: MemoryBudget) {
    this.#sizeOf = sizeOf
    this.#memory = memory
  }

  get length(): number {
    return this.#items.length
  }

  /** Estimated. */
  get memoryBytes(): number {
    return memoryOf(this.length, this.bytes)
  }

  /** Whether the memory shared with others is spent. */
  get memorySpent(): boolean {
    return this.#memory.spent
  }

  /** When the first one was appended. */
  get firstArrivedAt(): number {
    return this.#arrivals[0] as number
  }

  /** Takes an item; `now`: milliseconds since the epoch. Throws a `RangeError` if `sizeOf` says no size. */
  append(item: T, now: number): void {
    const size = this.#sizeOf(item)
    if (!(Number.isFinite(size) && size >= 0)) throw new RangeError(`sizeOf said ${size} bytes; it must say a number of bytes, at least 0.`)
    this.#items.push(item)
    this.#sizes.push(size)
    this.#arrivals.push(now)
    this.appended++
    this.bytes += size
    this.#memory.take(memoryOf(1, size))
  }

  /** The first `count`. */
  first(count: number): T[] {
    return this.#items.slice(0, count)
  }

  /** Serialised bytes of the first `count`. */
  bytesOf(count: number): number {
    let bytes = 0
    for (let i = 0; i < count; i++) bytes += this.#sizes[i] as number
    return bytes
  }

  /** How many of the first `limit` have no more than `maxBytes` together, with `eachBytes` more for each; at least one. */
  countWithin(maxBytes: number, limit: number, eachBytes = 0): number {
    if (this.bytes + this.length * eachBytes <= maxBytes) return limit
    let left = maxBytes
    for (let i = 0; i < limit; i++) {
      left -= (this.#sizes[i] as number) + eachBytes
      if (left < 0) return Math.max(1, i)
    }
    return limit
  }

  /** The first `count` are settled. */
  drop(count: number): void {
    const bytes = this.bytesOf(count)
    this.#items.splice(0, count)
    this.#sizes.splice(0, count)
    this.#arrivals.splice(0, count)
    this.bytes -= bytes
    this.#memory.giveBack(memoryOf(count, bytes))
  }

  /** None waits any more. */
  clear(): void {
    this.drop(this.length)
  }
}
