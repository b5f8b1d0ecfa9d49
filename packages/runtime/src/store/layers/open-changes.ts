import type { ByteRange } from '@millrace/core'
import { type Change, CLEAN, NOTHING, OPEN, SEALED, type SlotTable } from './slot-table.ts'
import { SortedIds } from './sorted-ids.ts'

/** Where a pass kept what it replaced the next one keeps it again, unless that were more places than these. */
const MOST_PLACES = 65_536

/** A moment of a pass that can be gone back to. */
interface Mark {
  /** How much of what the pass replaced was before. */
  readonly replaced: number
  /** How many slots there were. */
  readonly size: number
  readonly passBytes: number
  readonly replacedBytes: number
}

/**
 * What passes changed since the last commit, in the order in which keys were first changed. What a pass replaces is kept aside until it has
 * ended: `succeed` forgets it, `rollback` puts it back. A pass of several parts keeps each when it is done: `undo` takes back only the last.
 */
export class OpenChanges {
  readonly #table: SlotTable
  #slots: number[] = []
  /** What this pass has changed, and what was known of it before. Behind the first `#replaced` stands what earlier passes left there. */
  #changed: number[] = []
  #kinds: number[] = []
  #before: Change[] = []
  #replaced = 0
  #begin: Mark = { replaced: 0, size: 0, passBytes: 0, replacedBytes: 0 }
  #mark = this.#begin
  /** Counts passes, and parts of passes. */
  #pass = 0
  #bytes = 0
  #passBytes = 0
  /** Of changes of earlier passes. */
  #replacedBytes = 0
  /** Something is being committed. */
  #isCommitting = false
  /** Kept from the first scan on: most stores are never scanned. */
  #order: SortedIds<number> | undefined

  constructor(table: SlotTable) {
    this.#table = table
  }

  /** What changes take in memory, without what a pass that has not ended has put. */
  get bytes(): number {
    return this.#bytes
  }

  /** What those take that the pass under way has put. */
  get passBytes(): number {
    return this.#passBytes
  }

  get size(): number {
    return this.#slots.length
  }

  put(slot: number, change: Change): void {
    const table = this.#table
    const kind = table.kindOf(slot)
    if (kind === OPEN && table.passOf(slot) === this.#pass) this.#passBytes -= table.bytesOf(slot)
    else {
      this.#keepBefore(slot, kind)
      table.notePass(slot, this.#pass)
      if (kind !== OPEN) {
        this.#slots.push(slot)
        this.#order?.add(slot, table.keyOf(slot))
      }
    }
    table.put(slot, OPEN, change)
    this.#passBytes += table.bytesOf(slot)
  }

  /** The pass ended well. */
  succeed(): void {
    this.#bytes += this.#passBytes - this.#replacedBytes
    this.#endPass()
  }

  /** The pass failed: what it has changed is as it was before. Returns the slots of keys that were not changed before it: they are to be settled. */
  rollback(): number[] {
    const unchanged = this.#backTo(this.#begin)
    this.#endPass()
    return unchanged
  }

  /** A part of the pass is done: `undo` leaves it alone. */
  keep(): void {
    this.#pass = this.#table.passAfter(this.#pass)
    this.#mark = {
      replaced: this.#replaced,
      size: this.#slots.length,
      passBytes: this.#passBytes,
      replacedBytes: this.#replacedBytes,
    }
  }

  /** A part of the pass failed: what it has changed is as it was when the last one was kept. Returns as `rollback` does. */
  undo(): number[] {
    return this.#backTo(this.#mark)
  }

  /**
   * What finished passes changed is being committed from now on: `take` gets its slots, as those passes left them, and must not call what is the user's.
   * What a pass under way has changed stays, and so do its parts.
   */
  seal(take: (slots: readonly number[]) => void): void {
    const part = this.#changedSince(this.#mark)
    this.undo()
    const kept = this.#changedSince(this.#begin)
    this.rollback()
    const sealed = this.#slots
    for (const slot of sealed) this.#table.become(slot, SEALED)
    this.#clear()
    this.#isCommitting = sealed.length > 0
    take(sealed)
    for (const [slot, change] of kept) this.put(slot, change)
    if (kept.length > 0) this.keep()
    for (const [slot, change] of part) this.put(slot, change)
  }

  /** What was sealed is what the backend holds. */
  committed(): void {
    this.#isCommitting = false
  }

  /** The backend has changed: what it held before is not to be put back. */
  forgetClean(): void {
    for (let i = 0; i < this.#replaced; i++) if (this.#kinds[i] === CLEAN) this.#kinds[i] = NOTHING
  }

  /** Forgets everything; so is the table to. */
  discard(): void {
    this.#pass = this.#table.passAfter(this.#pass)
    this.#isCommitting = false
    this.#clear()
  }

  /** Slots have got other numbers: those of before, by those of now. */
  renumber(before: readonly number[]): void {
    const now = new Map(before.map((slot, i) => [slot, i]))
    const renumbered = (slot: number): number => now.get(slot) ?? -1
    this.#slots = this.#slots.map(renumbered)
    this.#changed = this.#changed.slice(0, this.#replaced).map(renumbered)
    this.#order = undefined
  }

  /** Slots of changes within a range, in ascending order of their keys. */
  within(range: ByteRange): number[] {
    this.#order ??= orderOf(this.#slots, this.#table)
    return this.#order.within(range).map(({ id }) => id)
  }

  #keepBefore(slot: number, kind: number): void {
    const table = this.#table
    const at = this.#replaced++
    this.#changed[at] = slot
    this.#kinds[at] = kind
    // What keeps it serves one pass after the other: to make it anew costs more than all else that a change does.
    const before = (this.#before[at] ??= { content: undefined, decoded: undefined, timestamp: 0, bytes: 0 })
    if (kind === NOTHING) return
    before.content = table.contentOf(slot)
    before.decoded = table.decodedOf(slot)
    before.timestamp = table.timestampOf(slot)
    before.bytes = table.valueBytesOf(slot)
    if (kind === OPEN) this.#replacedBytes += table.bytesOf(slot)
  }

  #changedSince({ replaced }: Mark): (readonly [number, Change])[] {
    const table = this.#table
    return this.#changed.slice(replaced, this.#replaced).map((slot) => [
      slot,
      {
        content: table.contentOf(slot),
        decoded: table.decodedOf(slot),
        timestamp: table.timestampOf(slot),
        bytes: table.valueBytesOf(slot),
      },
    ])
  }

  #backTo(mark: Mark): number[] {
    const table = this.#table
    // Backwards: what several parts replaced was first what the first of them found.
    for (let i = this.#replaced - 1; i >= mark.replaced; i--) {
      const slot = this.#changed[i] as number
      const kind = this.#kinds[i] as number
      if (kind === NOTHING) table.become(slot, NOTHING)
      // What was being committed then may be committed by now.
      else table.put(slot, kind === SEALED && !this.#isCommitting ? CLEAN : kind, this.#before[i] as Change)
      ;(this.#before[i] as Change).content = (this.#before[i] as Change).decoded = undefined
    }
    const unchanged = this.#slots.slice(mark.size)
    if (unchanged.length > 0) {
      this.#slots.length = mark.size
      this.#order = undefined
    }
    this.#replaced = mark.replaced
    this.#passBytes = mark.passBytes
    this.#replacedBytes = mark.replacedBytes
    // What was changed since counts as changed by nobody.
    this.#pass = table.passAfter(this.#pass)
    return unchanged
  }

  #clear(): void {
    this.#slots = []
    this.#forgetBefore()
    this.#order = undefined
    this.#bytes = 0
    this.#passBytes = 0
    this.#replacedBytes = 0
    this.#beginPass()
  }

  /** The places stay; what was kept there goes. */
  #forgetBefore(): void {
    for (let i = 0; i < this.#replaced; i++) {
      const before = this.#before[i] as Change
      before.content = before.decoded = undefined
    }
    this.#replaced = 0
    if (this.#before.length <= MOST_PLACES) return
    this.#changed = []
    this.#kinds = []
    this.#before = []
  }

  #endPass(): void {
    this.#pass = this.#table.passAfter(this.#pass)
    this.#forgetBefore()
    this.#passBytes = 0
    this.#replacedBytes = 0
    this.#beginPass()
  }

  #beginPass(): void {
    this.#begin = { replaced: 0, size: this.#slots.length, passBytes: 0, replacedBytes: 0 }
    this.#mark = this.#begin
  }
}

/** Slots in the byte order of their keys. */
function orderOf(slots: readonly number[], table: SlotTable): SortedIds<number> {
  const order = new SortedIds<number>()
  for (const slot of slots) order.add(slot, table.keyOf(slot))
  return order
}
