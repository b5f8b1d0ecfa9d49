import { KeyIndex, OWN, ROW } from './key-index.ts'

/** What a slot says of its key: the last that is known. */
export const NOTHING = 0
/** What the backend holds, or that it holds nothing. */
export const CLEAN = 1
/** A change that is being committed. */
export const SEALED = 2
/** A change since the last commit. */
export const OPEN = 3

/** A primitive whose bytes are made when they are wanted, in place of them. */
export const LATE = Symbol('late')

/** The bytes of a value, `LATE`, or undefined: there is no value. */
export type Content = Uint8Array | typeof LATE | undefined

/** What is said of a key. */
export interface Change {
  content: Content
  /** The decoded value where it is known. */
  decoded: unknown
  /** When it changed: event time, milliseconds since the epoch. */
  timestamp: number
  /** Of the value. */
  bytes: number
}

/** Keys one behind the other in one array. */
export interface KeyColumn {
  readonly length: number
  readonly bytes: Uint8Array
  readonly starts: ArrayLike<number>
  readonly ends: ArrayLike<number>
}

const KIND = OWN
/** The pass that changed it last. */
const PASS = OWN + 1
/** The update that met it last, and which of the keys of that update it stands for. */
const UPDATE = OWN + 2
const POSITION = OWN + 3
const VALUE_BYTES = OWN + 4
/** Beside the kind: somebody has asked for it since it was last looked at for something to forget. */
const ASKED = 4
const KINDS = 3
/** Of counters in rows: then they begin anew. */
const MOST = 0x7fff_ffff
/** What a slot costs beside the bytes of its key and its value, as measured: the rows and places of the index, the value's own object. */
const SLOT_COST = 250
/** Fewer slots are not worth to be closed up. */
const SPARSE_SLOTS = 1_024

/**
 * The keys that something is known of, by number. What the backend holds too is bounded in bytes. Where that takes room a hand goes round all slots, spares
 * once what was asked for since it last came by, and forgets the others, but for changes: what fits stays, and to use it costs no more than to find it.
 */
export class SlotTable {
  readonly #maxBytes: number
  readonly #index = new KeyIndex()
  readonly #contents: Content[] = []
  readonly #decoded: unknown[] = []
  #timestamps = new Float64Array(0)
  #hand = 0
  /** Of what the backend holds too. */
  #cleanBytes = 0
  #updates = 0
  #removals = 0

  /** `maxBytes` of 0 keeps changes only. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Counts what makes numbers of slots mean something else, or nothing. */
  get removals(): number {
    return this.#removals
  }

  /** The bytes that `startOf` and `endOf` are about. */
  get keyBytes(): Uint8Array {
    return this.#index.bytes
  }

  startOf(slot: number): number {
    return this.#index.startOf(slot)
  }

  endOf(slot: number): number {
    return this.#index.startOf(slot) + this.#index.lengthOf(slot)
  }

  keyOf(slot: number): Uint8Array {
    return this.#index.keyOf(slot)
  }

  /** The slot of a key of which something is known; else -1. */
  find({ bytes, starts, ends }: KeyColumn, row: number): number {
    const slot = this.#index.find(bytes, starts[row] as number, ends[row] as number)
    if (slot < 0) return slot
    const { rows } = this.#index
    rows[slot * ROW + KIND] = (rows[slot * ROW + KIND] as number) | ASKED
    return slot
  }

  /** A slot of which nothing is known: something is to be put there at once. */
  add({ bytes, starts, ends }: KeyColumn, row: number): number {
    const slot = this.#index.add(bytes, starts[row] as number, ends[row] as number)
    const rows = this.#index.rows
    rows[slot * ROW + PASS] = rows[slot * ROW + UPDATE] = -1
    this.#contents[slot] = undefined
    this.#decoded[slot] = undefined
    if (slot >= this.#timestamps.length) this.#timestamps = longer(this.#timestamps, slot + 1)
    return slot
  }

  kindOf(slot: number): number {
    return this.#row(slot, KIND) & KINDS
  }

  contentOf(slot: number): Content {
    return this.#contents[slot]
  }

  decodedOf(slot: number): unknown {
    return this.#decoded[slot]
  }

  timestampOf(slot: number): number {
    return this.#timestamps[slot] as number
  }

  valueBytesOf(slot: number): number {
    return this.#row(slot, VALUE_BYTES)
  }

  /** What it takes in memory. */
  bytesOf(slot: number): number {
    return SLOT_COST + this.#index.lengthOf(slot) + this.#row(slot, VALUE_BYTES)
  }

  passOf(slot: number): number {
    return this.#row(slot, PASS)
  }

  notePass(slot: number, pass: number): void {
    this.#index.rows[slot * ROW + PASS] = pass
  }

  /** A number for the pass after `pass`. */
  passAfter(pass: number): number {
    if (pass < MOST) return pass + 1
    this.#forgetAll(PASS)
    return 0
  }

  /** A number for an update, by which slots tell that it has met them. */
  nextUpdate(): number {
    if (this.#updates === MOST) {
      this.#forgetAll(UPDATE)
      this.#updates = 0
    }
    return this.#updates++
  }

  /** Which of the keys of an update a slot stands for; `next`, if it had not met it. */
  meet(slot: number, update: number, next: number): number {
    const { rows } = this.#index
    const row = slot * ROW
    if (rows[row + UPDATE] === update) return rows[row + POSITION] as number
    rows[row + UPDATE] = update
    return (rows[row + POSITION] = next)
  }

  /** Says something else of a key; what was said before is in nobody's way. */
  put(slot: number, kind: number, { content, decoded, timestamp, bytes }: Change): void {
    this.#leaveClean(slot)
    this.#contents[slot] = content
    this.#decoded[slot] = decoded
    this.#timestamps[slot] = timestamp
    this.#index.rows[slot * ROW + VALUE_BYTES] = bytes
    this.#is(slot, kind)
  }

  /** The same of what is said as it is: it is being committed, for one. */
  become(slot: number, kind: number): void {
    this.#leaveClean(slot)
    this.#is(slot, kind)
  }

  /** What was decoded of its bytes. `content`: what is kept of those. */
  hasDecoded(slot: number, decoded: unknown, content: Content): void {
    this.#decoded[slot] = decoded
    this.#contents[slot] = content
  }

  /** It is what the backend holds now; forgets it where there is no room, and others where there is. Whether it has stayed. */
  keep(slot: number): boolean {
    if (this.bytesOf(slot) > this.#maxBytes / 2) {
      this.#forget(slot)
      return false
    }
    if (this.kindOf(slot) !== CLEAN) this.become(slot, CLEAN)
    while (this.#cleanBytes > this.#maxBytes) this.#advance(slot)
    return true
  }

  /** The same of many that were being committed; of those that were changed again meanwhile it is not what counts. */
  keepAll(slots: readonly number[]): void {
    for (const slot of slots) {
      if (this.kindOf(slot) !== SEALED) continue
      if (this.bytesOf(slot) > this.#maxBytes / 2) this.#forget(slot)
      else this.become(slot, CLEAN)
    }
    while (this.#cleanBytes > this.#maxBytes) this.#advance(-1)
  }

  /** A change was taken back: what was known before is kept, if there is room, and if anything was. */
  settle(slot: number): void {
    // What came before it may have needed its room.
    if (!this.#index.has(slot)) return
    const kind = this.kindOf(slot)
    if (kind === NOTHING) this.#remove(slot)
    else if (kind === CLEAN) this.keep(slot)
  }

  /** Forgets all but changes. */
  forgetClean(): void {
    for (let slot = 0; slot < this.#index.used; slot++) if (this.#index.has(slot) && this.kindOf(slot) === CLEAN) this.#forget(slot)
  }

  /** Forgets everything. */
  clear(): void {
    for (let slot = 0; slot < this.#index.used; slot++) if (this.#index.has(slot)) this.#forget(slot)
    this.closeUp()
  }

  /** Gives slots numbers without gaps between them, if most are gaps: the old ones, by the new. Nobody else may know any. */
  closeUp(): readonly number[] | undefined {
    const { used, size } = this.#index
    if (used < SPARSE_SLOTS || size > used / 4) return undefined
    const kept = this.#index.compact()
    const timestamps = new Float64Array(kept.length)
    for (const [slot, before] of kept.entries()) {
      this.#contents[slot] = this.#contents[before]
      this.#decoded[slot] = this.#decoded[before]
      timestamps[slot] = this.#timestamps[before] as number
    }
    this.#contents.length = this.#decoded.length = kept.length
    this.#timestamps = timestamps
    this.#hand = 0
    this.#removals++
    return kept
  }

  #row(slot: number, column: number): number {
    return this.#index.rows[slot * ROW + column] as number
  }

  #is(slot: number, kind: number): void {
    this.#index.rows[slot * ROW + KIND] = (this.#row(slot, KIND) & ASKED) | kind
    if (kind === CLEAN) this.#cleanBytes += this.bytesOf(slot)
  }

  #leaveClean(slot: number): void {
    if (this.kindOf(slot) === CLEAN) this.#cleanBytes -= this.bytesOf(slot)
  }

  /** The hand looks at one; not at the one that has come for room. */
  #advance(spared: number): void {
    if (this.#hand >= this.#index.used) this.#hand = 0
    const slot = this.#hand++
    if (slot === spared || !this.#index.has(slot)) return
    const kind = this.kindOf(slot)
    if (this.#row(slot, KIND) !== kind) this.#index.rows[slot * ROW + KIND] = kind
    else if (kind === CLEAN) this.#forget(slot)
  }

  #forget(slot: number): void {
    this.#leaveClean(slot)
    this.#remove(slot)
  }

  #remove(slot: number): void {
    this.#index.rows[slot * ROW + KIND] = NOTHING
    this.#index.remove(slot)
    this.#contents[slot] = undefined
    this.#decoded[slot] = undefined
    this.#removals++
  }

  #forgetAll(column: number): void {
    const { rows } = this.#index
    for (let at = column; at < rows.length; at += ROW) rows[at] = -1
  }
}

function longer(numbers: Float64Array, least: number): Float64Array<ArrayBuffer> {
  const more = new Float64Array(Math.max(least, 2 * numbers.length))
  more.set(numbers)
  return more
}
