import type { Entry } from './entry.ts'
import { ownText } from './own-text.ts'

/** All that is known of one key: what counts is the first of these that is there. */
export interface Slot {
  readonly id: unknown
  /** Changed by passes since the last commit. */
  open: Entry | undefined
  /** Being committed. */
  sealed: Entry | undefined
  /** What the backend holds, or that it holds nothing, if that is kept. */
  clean: Entry | undefined
  /** The pass that changed it last. */
  pass: number
  /** The update that met it last, and which of the keys of that update it stands for. */
  update: number
  position: number
  /** The generation of the table that has it; -1 when none has it any more. */
  generation: number
}

/**
 * The keys that something is known of. What the backend holds too is bounded in bytes, by two generations: what is used moves to the young one;
 * when that has half of the budget it becomes the old one, and what was left in the old one is forgotten, but for changes.
 */
export class SlotTable {
  readonly #halfBudget: number
  #young = new Map<unknown, Slot>()
  #old = new Map<unknown, Slot>()
  #generation = 0
  /** Of what the backend holds too. */
  #youngBytes = 0

  /** `maxBytes` of 0 keeps changes only. */
  constructor(maxBytes: number) {
    this.#halfBudget = maxBytes / 2
  }

  get(id: unknown): Slot | undefined {
    const young = this.#young.get(id)
    if (young !== undefined) return young
    const old = this.#old.get(id)
    if (old !== undefined) this.#rejuvenate(old)
    return old
  }

  /** The slot of a key that is to be changed. `found`: what `get` gave before, perhaps long ago. */
  slotOf(id: unknown, found: Slot | undefined): Slot {
    if (found !== undefined && found.generation === this.#generation) return found
    const known = this.get(id)
    if (known !== undefined) return known
    const slot = this.#newSlot(id)
    this.#young.set(slot.id, slot)
    return slot
  }

  /** Keeps what the backend holds for a key. */
  keep(id: unknown, entry: Entry): void {
    this.keepIn(this.get(id), id, entry)
  }

  /** The same where the slot is known, which is in the table. */
  keepIn(slot: Slot | undefined, id: unknown, entry: Entry): void {
    if (slot?.clean !== undefined && slot.generation === this.#generation) this.#youngBytes -= slot.clean.bytes
    if (slot !== undefined) slot.clean = undefined
    const { bytes } = entry
    if (bytes > this.#halfBudget) {
      // What is too large to keep must not leave an outdated entry behind.
      if (slot !== undefined && !isChanged(slot)) this.#remove(slot)
      return
    }
    if (this.#youngBytes + bytes > this.#halfBudget) this.#age()
    const kept = slot ?? this.#newSlot(id)
    kept.clean = entry
    this.#youngBytes += bytes
    // One of this generation is there.
    if (kept === slot && kept.generation === this.#generation) return
    kept.generation = this.#generation
    this.#young.set(kept.id, kept)
  }

  /** A change was taken back: there may be nothing left to be known of its key. */
  tidy(slot: Slot): void {
    if (slot.clean === undefined && !isChanged(slot)) this.#remove(slot)
  }

  /** Forgets all but changes. */
  forgetClean(): void {
    const slots = [...this.#old.values(), ...this.#young.values()]
    this.#old = new Map()
    this.#young = new Map()
    this.#generation++
    this.#youngBytes = 0
    for (const slot of slots) this.#keepChanged(slot)
  }

  #rejuvenate(slot: Slot): void {
    const { clean } = slot
    const bytes = clean?.bytes ?? 0
    if (this.#youngBytes + bytes > this.#halfBudget) this.#age()
    // It was among what is forgotten then.
    slot.clean = clean
    this.#youngBytes += bytes
    slot.generation = this.#generation
    this.#young.set(slot.id, slot)
  }

  #age(): void {
    const forgotten = this.#old
    this.#old = this.#young
    this.#young = new Map()
    this.#generation++
    this.#youngBytes = 0
    for (const slot of forgotten.values()) if (slot.generation < this.#generation - 1) this.#keepChanged(slot)
  }

  /** Of what is forgotten, changes stay. */
  #keepChanged(slot: Slot): void {
    slot.clean = undefined
    if (!isChanged(slot)) return
    slot.generation = this.#generation
    this.#young.set(slot.id, slot)
  }

  #remove(slot: Slot): void {
    // Who has found it before must not write to it.
    slot.generation = -1
    this.#young.delete(slot.id)
    this.#old.delete(slot.id)
  }

  #newSlot(id: unknown): Slot {
    return newSlot(ownText(id), undefined, this.#generation)
  }
}

/** A slot that no table has. */
export function looseSlot(id: unknown, clean: Entry | undefined): Slot {
  return newSlot(id, clean, -1)
}

function newSlot(id: unknown, clean: Entry | undefined, generation: number): Slot {
  return { id, open: undefined, sealed: undefined, clean, pass: -1, update: -1, position: -1, generation }
}

function isChanged(slot: Slot): boolean {
  return slot.open !== undefined || slot.sealed !== undefined
}
