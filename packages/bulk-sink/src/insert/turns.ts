import type { CircuitBreakers, Clock } from '@millrace/core'
import type { ResolvedSettings } from '../config/sink-options.ts'
import type { RowBatch } from './entry.ts'
import type { Lane } from './lane.ts'
import type { Lanes } from './lanes.ts'
import { mayBegin, type Slots } from './slots.ts'
import { urgency } from './urgency.ts'

export interface TurnsOptions {
  readonly clock: Clock
  readonly breakers: CircuitBreakers
  readonly lanes: Lanes
  readonly settings: () => ResolvedSettings
}

/** For how long a priority that rows have of their own counts after the last of them, in milliseconds. */
const REMEMBERED_MS = 60_000

/** Whose turn it is among the batches that are cut. */
export class Turns {
  /** Cut, and not done: waiting for their turn, being inserted, or waiting for another try. */
  readonly open = new Set<RowBatch>()
  readonly running = new Set<RowBatch>()
  readonly #options: TurnsOptions

  constructor(options: TurnsOptions) {
    this.#options = options
  }

  /** Batches of a lane that wait for their turn. */
  waitingOf(lane: Lane): number {
    let count = 0
    for (const batch of this.open) if (batch.lane === lane && !this.running.has(batch)) count++
    return count
  }

  /** The most urgent batch that may be begun, or how long none may; `regardless` of how many are under way. */
  next({ regardless }: { readonly regardless: boolean } = { regardless: false }): {
    readonly batch: RowBatch | undefined
    readonly waitMs: number
  } {
    const { clock, breakers } = this.#options
    const now = clock.monotonic()
    const slots = regardless ? undefined : this.#slots()
    const stuck = new Set([...this.open].flatMap(({ isStuck, lane }) => (isStuck ? [lane.table] : [])))
    let found: RowBatch | undefined
    let least = Infinity
    let waitMs = Infinity
    for (const batch of this.open) {
      if (this.running.has(batch)) continue
      const { table, priority } = batch.lane
      const wait = Math.max(batch.notBefore - now, breakers.waitMs(table))
      if (wait > 0) waitMs = Math.min(waitMs, wait)
      else if ((slots === undefined || mayBegin(priority, slots)) && this.#mayTry(batch, stuck)) {
        const own = urgency(priority, now - batch.readyAt)
        if (own < least) [found, least] = [batch, own]
      }
    }
    return { batch: found, waitMs }
  }

  #slots(): Slots {
    const { clock, lanes, settings } = this.#options
    const { maxConcurrentInserts: most, tables } = settings()
    const since = clock.now() - REMEMBERED_MS
    const used = lanes.all.filter(({ length, lastAt }) => length > 0 || lastAt > since)
    const priorities = new Set([...tables.values(), ...used].map(({ priority }) => priority))
    return { most, running: [...this.running].map(({ lane }) => lane.priority), priorities }
  }

  /** While a table is stuck, or its breaker has been open and nothing has gone well yet, one insert at a time is tried: more of them would take all slots. */
  #mayTry(batch: RowBatch, stuck: ReadonlySet<string>): boolean {
    const { breakers, lanes } = this.#options
    const { table } = batch.lane
    if (lanes.table(table).ordered && this.#firstOf(batch.lane) !== batch) return false
    if (!stuck.has(table) && !breakers.open.has(table)) return true
    for (const one of this.running) if (one.lane.table === table) return false
    return true
  }

  #firstOf(lane: RowBatch['lane']): RowBatch | undefined {
    for (const batch of this.open) if (batch.lane === lane) return batch
    return undefined
  }
}
