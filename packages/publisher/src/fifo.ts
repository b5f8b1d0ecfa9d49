/** So few entries are not worth being let go of. */
const SLACK = 64

/** Entries in the order of their ranks. Those that are done with are passed over, wherever they were taken from, and let go of: there are never many more than are there. */
export class Fifo<Entry> {
  readonly #isThere: (entry: Entry) => boolean
  readonly #rankOf: (entry: Entry) => number
  /** Nothing where one was let go of. */
  #entries: (Entry | undefined)[] = []
  #head = 0
  /** At so many entries, those that are done with are let go of. */
  #bound = SLACK

  /** `rankOf` ascends from one `push` to the next; only for `insert`. */
  constructor(isThere: (entry: Entry) => boolean, rankOf: (entry: Entry) => number = () => 0) {
    this.#isThere = isThere
    this.#rankOf = rankOf
  }

  /** How many are kept, done with or not. */
  get kept(): number {
    return this.#entries.length
  }

  push(entry: Entry): void {
    if (this.#entries.length >= this.#bound) this.#replace(this.all())
    this.#entries.push(entry)
  }

  /** Entries of lower ranks than others, in the order of their ranks; some may have been here before. */
  insert(added: readonly Entry[]): void {
    const before = this.#entries
    const merged: Entry[] = []
    let at = this.#head
    const passUpTo = (rank: number) => {
      for (; at < before.length && this.#rankOf(before[at] as Entry) < rank; at++)
        if (this.#isThere(before[at] as Entry)) merged.push(before[at] as Entry)
    }
    for (const one of added) {
      passUpTo(this.#rankOf(one))
      if (before[at] === one) at++
      merged.push(one)
    }
    passUpTo(Infinity)
    this.#replace(merged)
  }

  /** Those that are there. */
  all(): Entry[] {
    return (this.#entries as Entry[]).slice(this.#head).filter(this.#isThere)
  }

  /** The first one that is there. */
  peek(): Entry | undefined {
    const at = this.next(0)
    return at === undefined ? undefined : this.at(at)
  }

  /** Takes the first one that is there. */
  shift(): Entry | undefined {
    this.trim()
    const first = this.#entries[this.#head]
    if (first !== undefined) this.#entries[this.#head++] = undefined
    return first
  }

  /** Where, from `place` on, the next one is that is there. Places hold until the next `trim`, `push` or `insert`. */
  next(place: number): number | undefined {
    for (let at = this.#head + place; at < this.#entries.length; at++) if (this.#isThere(this.#entries[at] as Entry)) return at - this.#head
    return undefined
  }

  at(place: number): Entry {
    return this.#entries[this.#head + place] as Entry
  }

  /** Lets go of what is done with at the front. */
  trim(): void {
    // What stays in its place would live on: moved about by the collector, most of all where many are on their way.
    while (this.#head < this.#entries.length && !this.#isThere(this.#entries[this.#head] as Entry)) this.#entries[this.#head++] = undefined
    if (this.#head === this.#entries.length || (this.#head >= SLACK && this.#head >= this.#entries.length / 2))
      this.#replace(this.#entries.slice(this.#head))
  }

  #replace(entries: (Entry | undefined)[]): void {
    this.#entries = entries
    this.#head = 0
    this.#bound = Math.max(SLACK, 2 * entries.length)
  }
}
