import type { StoreChange } from '@millrace/core'
import { ownText } from './own-text.ts'

/** What an entry of small arrays costs beside their bytes, as measured: the objects, the map's slot, the decoded value. */
const ENTRY_COST = 500
/** The bytes of a primitive that is no text. */
const PRIMITIVE_BYTES = 8

type Encode = (value: unknown) => Uint8Array

/** When something changed: one object for all that changed together, since a number of its own would cost every entry one more. */
export interface Moment {
  /** Event time, milliseconds since the epoch. */
  readonly timestamp: number
}

/** Of what comes from the backend, which keeps none. */
export const NO_MOMENT: Moment = Object.freeze({ timestamp: -1 })

/**
 * One entry of a state layer; without a value it is a deletion, or says that the backend has none. What passes have changed since the last commit
 * changes in place: who keeps an entry of that layer beyond a call takes a copy.
 */
export class Entry implements StoreChange {
  key: Uint8Array
  /** The decoded value once somebody has asked for it, kept only where the serde says that values are immutable. */
  decoded: unknown
  /** When it changed. */
  moment: Moment
  /** What it takes in memory without its value, and what that takes. Kept, because to look at two arrays for it costs more than what it is asked for. */
  readonly #cost: number
  #valueBytes: number
  #content: Uint8Array | Encode | undefined

  /** @internal Use `newEntry`. */
  constructor(key: Uint8Array, moment: Moment, value: Uint8Array | undefined) {
    this.key = key
    this.decoded = undefined
    this.moment = moment
    this.#cost = ENTRY_COST + key.byteLength
    this.#valueBytes = value === undefined ? 0 : value.byteLength
    this.#content = value
  }

  /** What it takes in memory. */
  get bytes(): number {
    return this.#cost + this.#valueBytes
  }

  /** Makes it stand for a change of another key, without a value. Only its copies know what they take in memory. */
  renew(key: Uint8Array, moment: Moment): void {
    this.key = key
    this.decoded = undefined
    this.moment = moment
    this.#valueBytes = 0
    this.#content = undefined
  }

  /** Gives what has no value one. */
  hold(value: Uint8Array): void {
    this.#valueBytes = value.byteLength
    this.#content = value
  }

  /** The same with a primitive whose bytes are made when they are wanted: most are replaced before anybody wants them. */
  holdLate(decoded: unknown, encode: Encode): void {
    this.#valueBytes = sizeOf(decoded)
    this.decoded = decoded
    this.#content = encode
  }

  /** Takes what `other`, an entry of the same key, holds. */
  take(other: Entry): void {
    this.decoded = other.decoded
    this.moment = other.moment
    this.#valueBytes = other.#valueBytes
    this.#content = other.#content
  }

  /** It is to be kept for long: lets go of the text that a value may be a part of. */
  settle(): void {
    this.decoded = ownText(this.decoded)
  }

  copy(): Entry {
    const copy = new Entry(this.key, this.moment, undefined)
    copy.take(this)
    return copy
  }

  /** Whether its value is a primitive whose bytes are not made yet. */
  get isLate(): boolean {
    return typeof this.#content === 'function'
  }

  get value(): Uint8Array | undefined {
    const content = this.#content
    return typeof content === 'function' ? content(this.decoded) : content
  }
}

export function newEntry(key: Uint8Array, value: Uint8Array | undefined): Entry {
  return new Entry(key, NO_MOMENT, value)
}

function sizeOf(decoded: unknown): number {
  return typeof decoded === 'string' ? decoded.length : PRIMITIVE_BYTES
}
