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

/** Who waits for room of partitions. */
interface Reader {
  readonly parts: readonly PartitionProgress[]
  readonly resolve: () => void
}

/** What rows take in memory until they are stored, of each table and of all; and who waits for room. */
export class Usage {
  readonly #limits: () => UsageLimits
  readonly #byTable = new Map<string, number>()
  /** By table, those who wait for room for a row, in the order in which they came. */
  readonly #waiters = new Map<string, (() => void)[]>()
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

  /** Whether who writes a row of a table has to wait: there is no room, or others wait who came before. */
  mustWait(table: string): boolean {
    return this.#waiters.has(table) || this.full(table)
  }

  /** Calls `enter`, which takes the room of one row, as soon as there is some, or nobody is to wait any more; who came first goes first. */
  room(table: string, enter: () => void): Promise<void> {
    if (this.#ended || !this.mustWait(table)) return settle(enter)
    return new Promise((resolve) => {
      const waiter = () => resolve(settle(enter))
      const same = this.#waiters.get(table)
      if (same === undefined) this.#waiters.set(table, [waiter])
      else same.push(waiter)
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
      let gone = 0
      while (gone < waiting.length && (this.#ended || !this.full(table))) (waiting[gone++] as () => void)()
      waiting.splice(0, gone)
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

async function settle(enter: () => void): Promise<void> {
  enter()
}
