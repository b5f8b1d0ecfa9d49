import type { ByteRange } from '@millrace/core'
import { type Entry, newEntry } from './entry.ts'
import type { Slot } from './slot-table.ts'
import { SortedIds } from './sorted-ids.ts'

/** What a pass replaced is put into entries that the next one uses again, unless it was so much. */
const KEPT_BYTES = 8_388_608

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
  #slots: Slot[] = []
  /** What this pass has changed that was there already, and what it was. Behind the first `#replaced` stands what earlier passes left there. */
  #changed: Slot[] = []
  #before: Entry[] = []
  #replaced = 0
  #begin: Mark = { replaced: 0, size: 0, passBytes: 0, replacedBytes: 0 }
  #mark = this.#begin
  /** Counts passes, and parts of passes. */
  #pass = 0
  #bytes = 0
  #passBytes = 0
  #replacedBytes = 0
  /** Kept from the first scan on: most stores are never scanned. */
  #order: SortedIds<Slot> | undefined

  /** What the entries take in memory, without what a pass that has not ended has put. */
  get bytes(): number {
    return this.#bytes
  }

  /** What the entries take that the pass under way has put. */
  get passBytes(): number {
    return this.#passBytes
  }

  get size(): number {
    return this.#slots.length
  }

  /** `change` is copied. */
  put(slot: Slot, change: Entry): void {
    const { open } = slot
    if (open === undefined) {
      slot.open = change.copy()
      this.#passBytes += slot.open.bytes
      slot.pass = this.#pass
      this.#slots.push(slot)
      this.#order?.add(slot, change.key)
      return
    }
    if (slot.pass === this.#pass) this.#passBytes -= open.bytes
    else this.#keepBefore(slot, open)
    open.take(change)
    this.#passBytes += open.bytes
  }

  /** The pass ended well. */
  succeed(): void {
    this.#bytes += this.#passBytes - this.#replacedBytes
    this.#endPass()
  }

  /** The pass failed: what it has changed is as it was before. Returns the slots of keys that were not changed before it. */
  rollback(): Slot[] {
    const unchanged = this.#backTo(this.#begin)
    this.#endPass()
    return unchanged
  }

  /** A part of the pass is done: `undo` leaves it alone. */
  keep(): void {
    this.#pass++
    this.#mark = {
      replaced: this.#replaced,
      size: this.#slots.length,
      passBytes: this.#passBytes,
      replacedBytes: this.#replacedBytes,
    }
  }

  /** A part of the pass failed: what it has changed is as it was when the last one was kept. Returns as `rollback` does. */
  undo(): Slot[] {
    return this.#backTo(this.#mark)
  }

  /** Moves what finished passes changed to be sealed. What a pass under way has changed stays, and so do its parts. */
  seal(): Slot[] {
    const part = this.#changedSince(this.#mark)
    this.undo()
    const kept = this.#changedSince(this.#begin)
    this.rollback()
    const sealed = this.#slots
    for (const slot of sealed) {
      slot.sealed = slot.open
      slot.open = undefined
    }
    this.#clear()
    for (const [slot, change] of kept) this.put(slot, change)
    if (kept.length > 0) this.keep()
    for (const [slot, change] of part) this.put(slot, change)
    return sealed
  }

  discard(): void {
    this.rollback()
    for (const slot of this.#slots) slot.open = undefined
    this.#clear()
  }

  /** The changes within a range as they are now, in ascending order of their keys. */
  within(range: ByteRange): Entry[] {
    this.#order ??= orderOf(this.#slots, (slot) => slot.open as Entry)
    return this.#order.within(range).map(({ id }) => (id.open as Entry).copy())
  }

  #keepBefore(slot: Slot, open: Entry): void {
    const at = this.#replaced++
    this.#changed[at] = slot
    // The entries that keep it serve one pass after the other: to make them anew costs more than all else that a change does.
    if (at === this.#before.length) this.#before.push(newEntry(open.key, undefined))
    ;(this.#before[at] as Entry).take(open)
    this.#replacedBytes += open.bytes
    slot.pass = this.#pass
  }

  #changedSince({ replaced, size }: Mark): (readonly [Slot, Entry])[] {
    const slots = [...this.#changed.slice(replaced, this.#replaced), ...this.#slots.slice(size)]
    return slots.map((slot) => [slot, (slot.open as Entry).copy()])
  }

  #backTo(mark: Mark): Slot[] {
    // Backwards: what several parts replaced was first what the first of them found.
    for (let i = this.#replaced - 1; i >= mark.replaced; i--) (this.#changed[i] as Slot).open?.take(this.#before[i] as Entry)
    const unchanged = this.#slots.slice(mark.size)
    for (const slot of unchanged) slot.open = undefined
    if (unchanged.length > 0) {
      this.#slots.length = mark.size
      this.#order = undefined
    }
    this.#replaced = mark.replaced
    this.#passBytes = mark.passBytes
    this.#replacedBytes = mark.replacedBytes
    // What was changed since counts as changed by nobody.
    this.#pass++
    return unchanged
  }

  #clear(): void {
    this.#slots = []
    this.#changed = []
    this.#before = []
    this.#order = undefined
    this.#bytes = 0
    this.#beginPass()
  }

  #endPass(): void {
    this.#pass++
    if (this.#replacedBytes > KEPT_BYTES) {
      this.#changed = []
      this.#before = []
    }
    this.#passBytes = 0
    this.#replacedBytes = 0
    this.#replaced = 0
    this.#beginPass()
  }

  #beginPass(): void {
    this.#begin = { replaced: 0, size: this.#slots.length, passBytes: 0, replacedBytes: 0 }
    this.#mark = this.#begin
  }
}

/** Slots in the byte order of their keys. */
export function orderOf(slots: readonly Slot[], entryOf: (slot: Slot) => Entry): SortedIds<Slot> {
  const order = new SortedIds<Slot>()
  for (const slot of slots) order.add(slot, entryOf(slot).key)
  return order
}
