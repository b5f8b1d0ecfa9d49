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
  /** Somebody has asked for it since it was last looked at for something to forget. */
  used: boolean
  /** Where in the ring of its table it is; -1: no table has it, or none any more. */
  place: number
}

/**
 * The keys that something is known of. What the backend holds too is bounded in bytes. Where that takes room a hand goes round the ring of all slots, spares
 * once what was used since it last came by, and forgets the others, but for changes: what fits stays, and to use it costs no more than to find it.
 */
export class SlotTable {
  readonly #maxBytes: number
  readonly #slots = new Map<unknown, Slot>()
  /** New ones come where others were forgotten: just behind the hand, which looks at them last. */
  #ring: (Slot | undefined)[] = []
  #free: number[] = []
  #hand = 0
  /** Of what the backend holds too. */
  #bytes = 0

  /** `maxBytes` of 0 keeps changes only. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get(id: unknown): Slot | undefined {
    const slot = this.#slots.get(id)
    // Most are marked: to look is cheaper than to write.
    if (slot !== undefined && !slot.used) slot.used = true
    return slot
  }

  /** The slot of a key that is to be changed. `found`: what `get` gave before, perhaps long ago. */
  slotOf(id: unknown, found: Slot | undefined): Slot {
    if (found !== undefined && found.place >= 0) return found
    return this.get(id) ?? this.#add(id)
  }

  /** Keeps what the backend holds for a key. */
  keep(id: unknown, entry: Entry): void {
    this.keepIn(this.#slots.get(id), id, entry)
  }

  /** The same where the slot is known, which is in the table. */
  keepIn(slot: Slot | undefined, id: unknown, entry: Entry): void {
    if (slot !== undefined) this.#dropClean(slot)
    const { bytes } = entry
    if (bytes > this.#maxBytes / 2) {
      // What is too large to keep must not leave an outdated entry behind.
      if (slot !== undefined) this.tidy(slot)
      return
    }
    const keeping = slot ?? this.#add(id)
    keeping.clean = entry
    this.#bytes += bytes
    if (this.#bytes > this.#maxBytes) this.#makeRoom(keeping)
  }

  /** A change was taken back: there may be nothing left to be known of its key. */
  tidy(slot: Slot): void {
    if (slot.clean === undefined && !isChanged(slot)) this.#remove(slot)
  }

  /** Forgets all but changes. */
  forgetClean(): void {
    for (const slot of this.#slots.values()) this.#forget(slot)
  }

  /** Forgets until there is no more than there may be; not the one that has come for that room. */
  #makeRoom(spared: Slot): void {
    while (this.#bytes > this.#maxBytes) {
      if (this.#hand >= this.#ring.length) this.#goRound()
      const slot = this.#ring[this.#hand++]
      if (slot === undefined || slot === spared) continue
      if (slot.used) slot.used = false
      else this.#forget(slot)
    }
  }

  /** The hand begins anew, on a ring without gaps if most of it was gaps: there may have been many changes. */
  #goRound(): void {
    this.#hand = 0
    if (this.#free.length <= this.#ring.length / 2) return
    this.#ring = this.#ring.filter((slot) => slot !== undefined)
    this.#free = []
    for (const [place, slot] of this.#ring.entries()) (slot as Slot).place = place
  }

  /** Changes stay. */
  #forget(slot: Slot): void {
    this.#dropClean(slot)
    this.tidy(slot)
  }

  #dropClean(slot: Slot): void {
    if (slot.clean === undefined) return
    this.#bytes -= slot.clean.bytes
    slot.clean = undefined
  }

  #remove(slot: Slot): void {
    if (slot.place < 0) return
    this.#slots.delete(slot.id)
    this.#ring[slot.place] = undefined
    this.#free.push(slot.place)
    // Who has found it before must not write to it.
    slot.place = -1
  }

  #add(id: unknown): Slot {
    const place = this.#free.pop() ?? this.#ring.length
    const slot = newSlot(ownText(id), undefined, place)
    this.#ring[place] = slot
    this.#slots.set(slot.id, slot)
    return slot
  }
}

/** A slot that no table has. */
export function looseSlot(id: unknown, clean: Entry | undefined): Slot {
  return newSlot(id, clean, -1)
}

function newSlot(id: unknown, clean: Entry | undefined, place: number): Slot {
  return { id, open: undefined, sealed: undefined, clean, pass: -1, update: -1, position: -1, used: false, place }
}

function isChanged(slot: Slot): boolean {
  return slot.open !== undefined || slot.sealed !== undefined
}
