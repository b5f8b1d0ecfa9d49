import { randomFillSync } from 'node:crypto'

/** Ids whose random bytes are drawn at once. */
const IDS = 128
const BYTES = 16
const LETTERS = 36
/** Where the two digits of each byte stand in a UUID. */
const PLACES = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34] as const
const DIGITS = Buffer.from('0123456789abcdef')

/** Makes random UUIDs (version 4). Those of Node are put together of a dozen texts, which costs as much as the JSON of an event. */
export class EventIds {
  readonly #random = Buffer.allocUnsafeSlow(IDS * BYTES)
  readonly #text = Buffer.alloc(IDS * LETTERS, '-')
  readonly #fill: (bytes: Uint8Array) => unknown
  #next = IDS

  /** `fill`: with random bytes. Default: those of Node, of which none can be foretold. */
  constructor(fill: (bytes: Uint8Array) => unknown = randomFillSync) {
    this.#fill = fill
  }

  next(): string {
    if (this.#next === IDS) this.#draw()
    const from = this.#next++ * LETTERS
    return this.#text.toString('latin1', from, from + LETTERS)
  }

  #draw(): void {
    this.#fill(this.#random)
    for (let id = 0; id < IDS; id++) this.#write(id)
    this.#next = 0
  }

  #write(id: number): void {
    const from = id * BYTES
    for (let i = 0; i < BYTES; i++) {
      const byte = stamped(i, this.#random[from + i] as number)
      const at = id * LETTERS + (PLACES[i] as number)
      this.#text[at] = DIGITS[byte >> 4] as number
      this.#text[at + 1] = DIGITS[byte & 15] as number
    }
  }
}

/** A byte with what of it says the version and the variant. */
function stamped(place: number, byte: number): number {
  if (place === 6) return (byte & 0x0f) | 0x40
  return place === 8 ? (byte & 0x3f) | 0x80 : byte
}
