import { memoryOf } from '@millrace/core'
import type { Entry } from './entry.ts'

const MEGABYTE = 1_048_576

/** What there may be, in MiB. */
export interface UsageLimits {
  readonly maxMemoryMb: number
  readonly tables: ReadonlyMap<string, { readonly maxMemoryMb: number }>
}

interface Waiter {
  readonly table: string | undefined
  readonly resolve: () => void
}

/** What rows take in memory until they are stored, of each table and of all; and who waits for room. */
export class Usage {
  readonly #limits: () => UsageLimits
  readonly #byTable = new Map<string, number>()
  #waiters: Waiter[] = []
  #ended = false
  bytes = 0
  rows = 0

  constructor(limits: () => UsageLimits) {
    this.#limits = limits
  }

  take(table: string, { bytes }: Entry): void {
    const memory = memoryOf(1, bytes)
    this.bytes += memory
    this.rows++
    this.#byTable.set(table, (this.#byTable.get(table) ?? 0) + memory)
  }

  giveBack(table: string, { bytes }: Entry): void {
    const memory = memoryOf(1, bytes)
    this.bytes -= memory
    this.rows--
    this.#byTable.set(table, (this.#byTable.get(table) ?? 0) - memory)
  }

  /** Whether there is no room: for a table, or for any one. */
  full(table: string | undefined): boolean {
    const { maxMemoryMb, tables } = this.#limits()
    if (this.bytes >= maxMemoryMb * MEGABYTE) return true
    if (table !== undefined) return this.#isFull(table, tables)
    return [...this.#byTable.keys()].some((name) => this.#isFull(name, tables))
  }

  /** Resolves when there is room for rows of a table, or of all, or when nobody is to wait any more. */
  async room(table: string | undefined): Promise<void> {
    while (!this.#ended && this.full(table)) await new Promise<void>((resolve) => this.#waiters.push({ table, resolve }))
  }

  /** Nobody waits from now on. */
  end(): void {
    this.#ended = true
    this.wake()
  }

  /** Whoever waits and has room now goes on. */
  wake(): void {
    if (this.#waiters.length === 0) return
    const going = this.#waiters.filter(({ table }) => this.#ended || !this.full(table))
    if (going.length === 0) return
    this.#waiters = this.#waiters.filter((waiter) => !going.includes(waiter))
    for (const { resolve } of going) resolve()
  }

  #isFull(table: string, tables: UsageLimits['tables']): boolean {
    return (this.#byTable.get(table) ?? 0) >= (tables.get(table)?.maxMemoryMb ?? Infinity) * MEGABYTE
  }
}
