import { randomInt } from 'node:crypto'

/** So many numbers are kept of each key, side by side: what is asked for together is in the processor's cache together. */
export const ROW = 8
const HASH = 0
const START = 1
const LENGTH = 2
/** From here to the end of a row they are those of whoever keeps the index, 0 at first. */
export const OWN = 3

const FIRST_SLOTS = 16
const FIRST_BYTES = 256
/** Bytes of keys that are gone are not looked after before they are so many. */
const TIDY_BYTES = 16_384
/** Of the places in which slots are looked for: a slot's hash and its number, which 0 is not. */
const PLACE = 2
/** Of this process: nobody may know which keys fall together. With the multipliers that MurmurHash3 has, some do whatever its seed is. */
const SEED = randomInt(2 ** 32)
const FIRST_FACTOR = oddInt()
const SECOND_FACTOR = oddInt()

/**
 * Numbers for keys, by their bytes: small ones, and those of removed keys are given again. An open addressed hash table over arrays of numbers, with
 * the keys' own bytes in one array too: what a map of texts costs is to follow its pointers, since most of them lead out of the processor's cache.
 * Hash: MurmurHash3, 32 bits (Austin Appleby, in the
 * public domain), with multipliers of this process.
 */
export class KeyIndex {
  #rows = new Int32Array(FIRST_SLOTS * ROW)
  #places = new Int32Array(placesFor(FIRST_SLOTS))
  #bytes = new Uint8Array(FIRST_BYTES)
  #end = 0
  /** Of removed keys. */
  #deadBytes = 0
  /** Slots that were ever used. */
  #used = 0
  #free: number[] = []

  /** The numbers of each slot, `ROW` of them from `slot * ROW` on; another array after `add` and `compact`. */
  get rows(): Int32Array {
    return this.#rows
  }

  /** All slots are below. */
  get used(): number {
    return this.#used
  }

  /** Keys that are there. */
  get size(): number {
    return this.#used - this.#free.length
  }

  /** The keys' bytes: what is at a place stays what it is; another array after `add` and `remove`. */
  get bytes(): Uint8Array {
    return this.#bytes
  }

  startOf(slot: number): number {
    return this.#rows[slot * ROW + START] as number
  }

  lengthOf(slot: number): number {
    return this.#rows[slot * ROW + LENGTH] as number
  }

  /** A copy of the key. */
  keyOf(slot: number): Uint8Array {
    const start = this.startOf(slot)
    return this.#bytes.slice(start, start + this.lengthOf(slot))
  }

  /** The slot of the key from `start` to `end`; -1 if it is not there. */
  find(key: Uint8Array, start: number, end: number): number {
    const hash = hashOf(key, start, end)
    const places = this.#places
    const rows = this.#rows
    const last = places.length - PLACE
    for (let at = (hash * PLACE) & last; ; at = (at + PLACE) & last) {
      const number = places[at + 1] as number
      if (number === 0) return -1
      if (places[at] !== hash) continue
      const row = (number - 1) * ROW
      if (rows[row + LENGTH] === end - start && this.#isAt(rows[row + START] as number, key, start, end)) return number - 1
    }
  }

  /** Gives the key, which must not be there, a slot. It is copied. */
  add(key: Uint8Array, start: number, end: number): number {
    const slot = this.#free.pop() ?? this.#used++
    if (slot * ROW === this.#rows.length) this.#grow()
    const length = end - start
    const hash = hashOf(key, start, end)
    if (this.#end + length > this.#bytes.length) this.#move(2 * (this.#end - this.#deadBytes + length))
    const row = slot * ROW
    const rows = this.#rows
    rows.fill(0, row, row + ROW)
    rows[row + HASH] = hash
    rows[row + START] = this.#end
    rows[row + LENGTH] = length
    for (let i = start; i < end; i++) this.#bytes[this.#end++] = key[i] as number
    this.#place(hash, slot)
    return slot
  }

  remove(slot: number): void {
    const row = slot * ROW
    const places = this.#places
    const last = places.length - PLACE
    let gap = ((this.#rows[row + HASH] as number) * PLACE) & last
    while (places[gap + 1] !== slot + 1) {
      if (places[gap + 1] === 0) throw new Error(`Slot ${slot} is removed, and has no key.`)
      gap = (gap + PLACE) & last
    }
    // Those behind it move up as long as they are not in their own places, so that all are found without a mark of what was there.
    for (let at = (gap + PLACE) & last; places[at + 1] !== 0; at = (at + PLACE) & last) {
      const home = ((places[at] as number) * PLACE) & last
      if (((at - home) & last) < ((at - gap) & last)) continue
      places[gap] = places[at] as number
      places[gap + 1] = places[at + 1] as number
      gap = at
    }
    places[gap + 1] = 0
    this.#deadBytes += this.#rows[row + LENGTH] as number
    this.#rows[row + LENGTH] = -1
    this.#free.push(slot)
    if (this.#deadBytes > TIDY_BYTES && this.#deadBytes > this.#end / 2) this.#move(this.#end - this.#deadBytes)
  }

  /** Whether a slot has a key. */
  has(slot: number): boolean {
    return slot < this.#used && (this.#rows[slot * ROW + LENGTH] as number) >= 0
  }

  /** Gives all keys slots without gaps between them: those they had before, in their order. */
  compact(): number[] {
    const old = this.#rows
    const kept: number[] = []
    for (let slot = 0; slot < this.#used; slot++) if (this.has(slot)) kept.push(slot)
    const slots = Math.max(FIRST_SLOTS, kept.length)
    this.#rows = new Int32Array(slots * ROW)
    this.#places = new Int32Array(placesFor(slots))
    this.#used = kept.length
    this.#free = []
    for (const [slot, before] of kept.entries()) {
      this.#rows.set(old.subarray(before * ROW, (before + 1) * ROW), slot * ROW)
      this.#place(old[before * ROW + HASH] as number, slot)
    }
    this.#move(this.#end - this.#deadBytes)
    return kept
  }

  #isAt(at: number, key: Uint8Array, start: number, end: number): boolean {
    const bytes = this.#bytes
    for (let i = start; i < end; i++, at++) if (bytes[at] !== key[i]) return false
    return true
  }

  #place(hash: number, slot: number): void {
    const places = this.#places
    const last = places.length - PLACE
    let at = (hash * PLACE) & last
    while (places[at + 1] !== 0) at = (at + PLACE) & last
    places[at] = hash
    places[at + 1] = slot + 1
  }

  /** Room for twice as many slots, and places for them. */
  #grow(): void {
    const rows = new Int32Array(2 * this.#rows.length)
    rows.set(this.#rows)
    this.#rows = rows
    this.#places = new Int32Array(placesFor(rows.length / ROW))
    // The one for which there was no room is not in its place yet.
    for (let slot = 0; slot < this.#used - 1; slot++) if (this.has(slot)) this.#place(rows[slot * ROW + HASH] as number, slot)
  }

  /** Copies the bytes of the keys that are there to an array with room for so many: who holds the one before goes on to read the same there. */
  #move(room: number): void {
    const before = this.#bytes
    this.#bytes = new Uint8Array(Math.max(room, FIRST_BYTES))
    if (this.#deadBytes === 0) {
      this.#bytes.set(before.subarray(0, this.#end))
      return
    }
    this.#end = 0
    this.#deadBytes = 0
    for (let slot = 0; slot < this.#used; slot++) {
      const row = slot * ROW
      const length = this.#rows[row + LENGTH] as number
      // Gone, empty, or about to be added.
      if (length <= 0) {
        this.#rows[row + START] = 0
        continue
      }
      const start = this.#rows[row + START] as number
      this.#bytes.set(before.subarray(start, start + length), this.#end)
      this.#rows[row + START] = this.#end
      this.#end += length
    }
  }
}

/** Between a fourth and a half of them are taken when there is no room for another slot. A power of two. */
function placesFor(slots: number): number {
  return PLACE * 2 ** Math.ceil(Math.log2(2 * slots))
}

function hashOf(key: Uint8Array, start: number, end: number): number {
  let hash = SEED
  let i = start
  for (; i + 4 <= end; i += 4) {
    const four = (key[i] as number) | ((key[i + 1] as number) << 8) | ((key[i + 2] as number) << 16) | ((key[i + 3] as number) << 24)
    hash ^= mixed(four)
    hash = (hash << 13) | (hash >>> 19)
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0
  }
  let rest = 0
  for (let shift = 0; i < end; i++, shift += 8) rest |= (key[i] as number) << shift
  hash ^= mixed(rest)
  hash ^= end - start
  hash ^= hash >>> 16
  hash = Math.imul(hash, 0x85ebca6b)
  hash ^= hash >>> 13
  hash = Math.imul(hash, 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

function mixed(four: number): number {
  const product = Math.imul(four, FIRST_FACTOR)
  return Math.imul((product << 15) | (product >>> 17), SECOND_FACTOR)
}

/** An odd one loses nothing. */
function oddInt(): number {
  return randomInt(2 ** 32) | 1
}
