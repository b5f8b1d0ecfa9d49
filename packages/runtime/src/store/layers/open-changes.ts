import type { ByteRange } from '@millrace/core'
import type { Entry } from './entry.ts'
import type { Slot } from './slot-table.ts'
import { SortedIds } from './sorted-ids.ts'

/**
 * What passes changed since the last commit, in the order in which keys were first changed. What a pass replaces is kept aside until it has
 * ended: `succeed` forgets it, `rollback` puts it back.
 */
export class OpenChanges {
  #slots: Slot[] = []
  /** What this pass has changed, in that order, and what was there before. */
  readonly #changed: Slot[] = []
  readonly #before: (Entry | undefined)[] = []
  /** How many slots there were when the pass began. */
  #sizeBefore = 0
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

  put(slot: Slot, entry: Entry): void {
    const { open } = slot
    this.#passBytes += entry.bytes
    if (open === undefined) {
      slot.open = entry
      this.#slots.push(slot)
      this.#order?.add(slot, entry.key)
      this.#log(slot, undefined)
      return
    }
    const { bytes } = open
    // The entry that is there lives for long, the other for this pass at most: were it to take the place, each collection would have to move it.
    open.exchange(entry)
    if (slot.pass === this.#pass) {
      this.#passBytes -= bytes
      return
    }
    this.#replacedBytes += bytes
    this.#log(slot, entry)
  }

  /** The pass ended well. */
  succeed(): void {
    this.#bytes += this.#passBytes - this.#replacedBytes
    this.#endPass()
  }

  /** The pass failed: what it has changed is as it was before. Returns the slots of keys that were not changed before it. */
  rollback(): Slot[] {
    for (let i = 0; i < this.#changed.length; i++) (this.#changed[i] as Slot).open = this.#before[i]
    const unchanged = this.#slots.slice(this.#sizeBefore)
    if (this.#slots.length > this.#sizeBefore) {
      this.#slots.length = this.#sizeBefore
      this.#order = undefined
    }
    this.#endPass()
    return unchanged
  }

  /** Moves what finished passes changed to be sealed. What a pass under way has changed stays. */
  seal(): Slot[] {
    const passing = [...this.#changed]
    const entries = passing.map((slot) => slot.open as Entry)
    this.rollback()
    const sealed = this.#slots
    for (const slot of sealed) {
      slot.sealed = slot.open
      slot.open = undefined
    }
    this.#clear()
    for (let i = 0; i < passing.length; i++) this.put(passing[i] as Slot, entries[i] as Entry)
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

  #log(slot: Slot, before: Entry | undefined): void {
    this.#changed.push(slot)
    this.#before.push(before)
    slot.pass = this.#pass
  }

  #clear(): void {
    this.#slots = []
    this.#order = undefined
    this.#bytes = 0
    this.#sizeBefore = 0
  }

  #endPass(): void {
    this.#pass++
    this.#sizeBefore = this.#slots.length
    this.#passBytes = 0
    this.#replacedBytes = 0
    this.#changed.length = 0
    this.#before.length = 0
  }
}

/** Slots in the byte order of their keys. */
export function orderOf(slots: readonly Slot[], entryOf: (slot: Slot) => Entry): SortedIds<Slot> {
  const order = new SortedIds<Slot>()
  for (const slot of slots) order.add(slot, entryOf(slot).key)
  return order
}
