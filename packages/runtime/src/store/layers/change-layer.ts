import type { ByteRange } from '@millrace/core'
import type { Entry } from './entry.ts'
import { SortedIds } from './sorted-ids.ts'

/** The place of one key. */
interface Slot {
  readonly id: unknown
  entry: Entry
  /** The pass that changed it last. */
  pass: number
}

/**
 * Changes of state, by key, in the order in which keys were first changed. Those of a pass are put over the ones before it, which are kept aside
 * until the pass has ended: `succeed` forgets them, `rollback` puts them back.
 */
export class ChangeLayer {
  readonly #slots = new Map<unknown, Slot>()
  /** What this pass has changed, in that order, and what was there before. */
  #changed: Slot[] = []
  #before: (Entry | undefined)[] = []
  #pass = 0
  /** Kept from the first scan on: most layers are never scanned. */
  #order: SortedIds | undefined
  #bytes = 0
  #passBytes = 0
  #replacedBytes = 0

  /** What the entries take in memory, without what a pass that has not ended has put. */
  get bytes(): number {
    return this.#bytes
  }

  /** What the entries take that the pass under way has put. */
  get passBytes(): number {
    return this.#passBytes
  }

  get size(): number {
    return this.#slots.size
  }

  get(id: unknown): Entry | undefined {
    return this.#slots.get(id)?.entry
  }

  put(id: unknown, entry: Entry): void {
    const slot = this.#slots.get(id)
    this.#passBytes += entry.bytes
    if (slot === undefined) {
      this.#add(id, entry)
      return
    }
    const { entry: before, pass } = slot
    if (pass === this.#pass) this.#passBytes -= before.bytes
    else {
      this.#replacedBytes += before.bytes
      this.#changed.push(slot)
      this.#before.push(before)
      slot.pass = this.#pass
    }
    slot.entry = entry
  }

  /** The pass ended well. */
  succeed(): void {
    this.#bytes += this.#passBytes - this.#replacedBytes
    this.#endPass()
  }

  /** The pass failed: what it has changed is as it was before. */
  rollback(): void {
    for (let i = this.#changed.length - 1; i >= 0; i--) {
      const slot = this.#changed[i] as Slot
      const before = this.#before[i]
      if (before === undefined) this.#remove(slot.id)
      else slot.entry = before
    }
    this.#endPass()
  }

  /** Moves what a pass under way has changed into a layer of its own, where the pass goes on. */
  split(): ChangeLayer {
    const rest = new ChangeLayer()
    for (const { id, entry } of this.#changed) rest.put(id, entry)
    this.rollback()
    return rest
  }

  entries(): Entry[] {
    return Array.from(this.#slots.values(), ({ entry }) => entry)
  }

  ids(): IterableIterator<unknown> {
    return this.#slots.keys()
  }

  /** The changes within a range, in ascending order of their keys. */
  within(range: ByteRange): Entry[] {
    const found: Entry[] = []
    for (const { id } of this.#ordered().within(range)) found.push(this.get(id) as Entry)
    return found
  }

  #add(id: unknown, entry: Entry): void {
    const slot: Slot = { id, entry, pass: this.#pass }
    this.#slots.set(id, slot)
    this.#order?.add(id, entry.key)
    this.#changed.push(slot)
    this.#before.push(undefined)
  }

  #remove(id: unknown): void {
    this.#slots.delete(id)
    this.#order = undefined
  }

  #endPass(): void {
    this.#pass++
    this.#passBytes = 0
    this.#replacedBytes = 0
    this.#changed.length = 0
    this.#before.length = 0
  }

  #ordered(): SortedIds {
    if (this.#order === undefined) {
      this.#order = new SortedIds()
      for (const { id, entry } of this.#slots.values()) this.#order.add(id, entry.key)
    }
    return this.#order
  }
}
