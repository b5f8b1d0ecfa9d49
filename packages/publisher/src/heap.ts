/** Entries by their ranks, which may come in any order: the lowest is first. */
export class Heap<Entry> {
  readonly #rankOf: (entry: Entry) => number
  /** Each is no lower than the one at half its place. */
  readonly #entries: Entry[] = []

  constructor(rankOf: (entry: Entry) => number) {
    this.#rankOf = rankOf
  }

  get first(): Entry | undefined {
    return this.#entries[0]
  }

  push(entry: Entry): void {
    const entries = this.#entries
    const rank = this.#rankOf(entry)
    let at = entries.push(entry) - 1
    while (at > 0) {
      const above = (at - 1) >> 1
      if (this.#rankAt(above) <= rank) break
      entries[at] = entries[above] as Entry
      at = above
    }
    entries[at] = entry
  }

  /** Takes the first. */
  shift(): Entry | undefined {
    const [first] = this.#entries
    const last = this.#entries.pop()
    if (this.#entries.length > 0) this.#sink(last as Entry)
    return first
  }

  #sink(entry: Entry): void {
    const entries = this.#entries
    const rank = this.#rankOf(entry)
    let at = 0
    for (;;) {
      let below = 2 * at + 1
      if (below >= entries.length) break
      if (below + 1 < entries.length && this.#rankAt(below + 1) < this.#rankAt(below)) below++
      if (this.#rankAt(below) >= rank) break
      entries[at] = entries[below] as Entry
      at = below
    }
    entries[at] = entry
  }

  #rankAt(place: number): number {
    return this.#rankOf(this.#entries[place] as Entry)
  }
}
