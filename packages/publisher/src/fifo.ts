/** Behind so many entries that are done with, they are let go of. */
const SLACK = 64

/** Entries in order. Those that are done with are passed over, wherever they were taken from. */
export class Fifo<Entry> {
  readonly #isThere: (entry: Entry) => boolean
  #entries: Entry[] = []
  #head = 0

  constructor(isThere: (entry: Entry) => boolean) {
    this.#isThere = isThere
  }

  push(entry: Entry): void {
    this.#entries.push(entry)
  }

  /** The first one that is there. */
  peek(): Entry | undefined {
    const at = this.next(0)
    return at === undefined ? undefined : this.at(at)
  }

  /** Where, from `place` on, the next one is that is there. Places hold until the next `trim` or `push`. */
  next(place: number): number | undefined {
    for (let at = this.#head + place; at < this.#entries.length; at++) if (this.#isThere(this.#entries[at] as Entry)) return at - this.#head
    return undefined
  }

  at(place: number): Entry {
    return this.#entries[this.#head + place] as Entry
  }

  /** Lets go of what is done with at the front. */
  trim(): void {
    while (this.#head < this.#entries.length && !this.#isThere(this.#entries[this.#head] as Entry)) this.#head++
    if (this.#head < SLACK || this.#head < this.#entries.length / 2) return
    this.#entries = this.#entries.slice(this.#head)
    this.#head = 0
  }
}
