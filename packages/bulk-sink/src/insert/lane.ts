import {
  BatchSizer,
  type BatchTrigger,
  type CutDecision,
  decideCut,
  fitting,
  type LivePolicy,
  MemoryBudget,
  WaitingItems,
} from '@millrace/core'
import type { Entry, FlushType } from './entry.ts'

const FLUSH_TYPES: Readonly<Partial<Record<BatchTrigger, FlushType>>> = {
  records: 'size-based',
  bytes: 'bytes-based',
  age: 'time-based',
  memory: 'memory-based',
  demand: 'immediate',
}

/** Milliseconds since the epoch, and what presses. */
export interface LaneMoment {
  readonly now: number
  readonly memorySpent: boolean
}

/** The rows of one table and priority that wait to be cut into batches, in order. */
export class Lane {
  readonly table: string
  readonly priority: number
  readonly sizer: BatchSizer
  readonly #waiting = new WaitingItems<Entry>(({ bytes }) => bytes, new MemoryBudget(Infinity))
  /** How many were ever taken, or dropped. */
  taken = 0
  /** When a row was appended last, in milliseconds since 1970. */
  lastAt = -Infinity
  /** Up to which number rows are cut without waiting, and why. */
  #flushing: { readonly until: number; readonly type: FlushType } | undefined

  constructor(table: string, priority: number, policy: LivePolicy) {
    this.table = table
    this.priority = priority
    this.sizer = new BatchSizer(policy)
  }

  get length(): number {
    return this.#waiting.length
  }

  /** How many were ever appended. */
  get appended(): number {
    return this.taken + this.#waiting.length
  }

  /** When the first that waits came; undefined: none does. */
  get firstArrivedAt(): number | undefined {
    return this.length === 0 ? undefined : this.#waiting.firstArrivedAt
  }

  append(entry: Entry, now: number): void {
    this.#waiting.append(entry, now)
    this.lastAt = now
    this.sizer.arrived(1, now)
  }

  /** What waits now is cut without waiting for more. */
  flush(type: FlushType): void {
    this.#flushing = { until: this.appended, type }
  }

  get #finishing(): boolean {
    return this.#flushing !== undefined && this.taken < this.#flushing.until
  }

  decide({ now, memorySpent }: LaneMoment): CutDecision {
    const waiting = this.#waiting
    if (waiting.length === 0) return { cut: false, waitMs: Infinity }
    const { limits } = this.sizer
    return decideCut(limits, {
      records: waiting.length,
      bytes: waiting.bytes,
      memoryBytes: waiting.memoryBytes,
      ...fitting(waiting, limits),
      firstArrivedAt: waiting.firstArrivedAt,
      now,
      finishing: this.#finishing ? 'drain' : undefined,
      memorySpent,
    })
  }

  /** What a batch that is cut for this reason is called. */
  typeOf(trigger: BatchTrigger): FlushType {
    return FLUSH_TYPES[trigger] ?? this.#flushing?.type ?? 'manual'
  }

  /** The first `count`, cut for this reason. */
  take(count: number, trigger: BatchTrigger): { readonly entries: Entry[]; readonly flushType: FlushType } {
    const flushType = this.typeOf(trigger)
    const entries = this.#waiting.first(count)
    this.#waiting.drop(count)
    this.taken += count
    return { entries, flushType }
  }

  /** Drops what is not to be kept; returns it. */
  dropWhere(isGone: (entry: Entry) => boolean): Entry[] {
    const all = this.#waiting.first(this.length)
    const gone = all.filter(isGone)
    if (gone.length === 0) return gone
    const since = this.#waiting.firstArrivedAt
    this.#waiting.clear()
    this.taken += gone.length
    for (const entry of all) if (!isGone(entry)) this.#waiting.append(entry, since)
    return gone
  }
}
