import { memoryOf } from '@millrace/core'
import type { Entry } from './entry.ts'
import type { PartitionProgress } from './partition-progress.ts'

const MEGABYTE = 1_048_576
/** What part of the memory of all is shared out evenly, where there are several tables: some that are stuck do not fill it. */
const SHARED_OUT = 0.1

/** What there may be, in MiB. */
export interface UsageLimits {
  readonly maxMemoryMb: number
  readonly tables: ReadonlyMap<string, { readonly maxMemoryMb: number }>
}

/** Who waits for room for a row of a table. */
interface Waiter {
  /** Of his row. */
  readonly memory: number
  readonly resolve: () => void
}

/** Who waits for room of partitions. */
interface Reader {
  readonly parts: readonly PartitionProgress[]
  readonly resolve: () => void
}

/** What rows take in memory until they are stored, of each table and of all; and who waits for room. */
export class Usage {
  readonly #limits: () => UsageLimits
  readonly #byTable = new Map<string, number>()
  /** By table, in the order in which they came. */
  readonly #waiters = new Map<string, Waiter[]>()
  /** Those who wait for room of partitions: as many as there are tasks. */
  #readers: Reader[] = []
  #ended = false
  bytes = 0
  rows = 0

  constructor(limits: () => UsageLimits) {
    this.#limits = limits
  }

  take(table: string, { bytes, part }: Entry): void {
    this.#add(table, memoryOf(1, bytes))
    this.rows++
    part?.holds.set(table, (part.holds.get(table) ?? 0) + 1)
  }

  giveBack(table: string, { bytes, part }: Entry): void {
    this.#add(table, -memoryOf(1, bytes))
    this.rows--
    part?.holds.set(table, (part.holds.get(table) ?? 0) - 1)
  }

  /** Whether there is no room for rows of a table. */
  full(table: string): boolean {
    return this.spent || this.#isFull(table)
  }

  /** Whether there is no room for anything. */
  get spent(): boolean {
    return this.bytes >= this.#limits().maxMemoryMb * MEGABYTE
  }

  /** Whether there is no room for rows of who wrote those that wait of these partitions: he may have more of the same. */
  fullFor(parts: readonly PartitionProgress[]): boolean {
    if (this.spent || parts.some(({ farAhead }) => farAhead)) return true
    for (const table of this.#byTable.keys()) if (this.#isFull(table) && parts.some(({ holds }) => (holds.get(table) ?? 0) > 0)) return true
    return false
  }

  /** Resolves when there is room for a row of a table, or when nobody is to wait any more; who came first goes first. */
  async room(table: string, bytes: number): Promise<void> {
    const memory = memoryOf(1, bytes)
    while (!this.#ended && this.full(table))
      await new Promise<void>((resolve) => {
        const same = this.#waiters.get(table)
        if (same === undefined) this.#waiters.set(table, [{ memory, resolve }])
        else same.push({ memory, resolve })
      })
  }

  /** The same for who reads partitions. */
  async roomFor(parts: readonly PartitionProgress[]): Promise<void> {
    while (!this.#ended && this.fullFor(parts)) await new Promise<void>((resolve) => this.#readers.push({ parts, resolve }))
  }

  /** Whether somebody waits for what may be rows of a table, so that these are to be stored without waiting for more. */
  pressesFor(table: string): boolean {
    return this.#readers.some(({ parts }) => parts.some(({ farAhead, holds }) => farAhead && (holds.get(table) ?? 0) > 0))
  }

  /** Nobody waits from now on. */
  end(): void {
    this.#ended = true
    this.wake()
  }

  /** Whoever waits and has room now goes on: no more of them than there is room for. */
  wake(): void {
    for (const { resolve } of this.#readers.splice(0)) resolve()
    for (const [table, waiting] of this.#waiters) {
      let going = 0
      let reserved = 0
      // What those who go on are about to add counts already.
      while (going < waiting.length && (this.#ended || !this.full(table))) {
        const { memory, resolve } = waiting[going++] as Waiter
        this.#add(table, memory)
        reserved += memory
        resolve()
      }
      this.#add(table, -reserved)
      waiting.splice(0, going)
      if (waiting.length === 0) this.#waiters.delete(table)
    }
  }

  #add(table: string, memory: number): void {
    this.bytes += memory
    this.#byTable.set(table, (this.#byTable.get(table) ?? 0) + memory)
  }

  /** Whether a table has what it may have: its own limit; or its share, of what is shared out, when the rest is taken. */
  #isFull(table: string): boolean {
    const { maxMemoryMb, tables } = this.#limits()
    const own = (this.#byTable.get(table) ?? 0) / MEGABYTE
    if (own >= (tables.get(table)?.maxMemoryMb ?? Infinity)) return true
    if (tables.size < 2 || this.bytes / MEGABYTE < maxMemoryMb * (1 - SHARED_OUT)) return false
    return own >= (maxMemoryMb * SHARED_OUT) / tables.size
  }
}
