const NONE = -1

/**
 * Records of a batch in lanes: those of one lane are taken one after another, in order, while other lanes go on beside it. Whoever takes a record
 * goes on with the rest of its lane, so that nobody waits for a lane that another one holds.
 */
export class Lanes {
  readonly #count: number
  /** Where lanes begin; undefined: each record is a lane of its own. */
  readonly #firsts: readonly number[] | undefined
  /** The next record of the same lane, by index. */
  readonly #next: Int32Array | undefined
  #cursor = 0

  private constructor(count: number, firsts?: readonly number[], next?: Int32Array) {
    this.#count = count
    this.#firsts = firsts
    this.#next = next
  }

  /** Each of `count` records in a lane of its own. */
  static single(count: number): Lanes {
    return new Lanes(count)
  }

  /** A lane for each key that `keyOf` tells apart. Records for which it throws are in none; `refused` is told of them. */
  static byKey(count: number, keyOf: (index: number) => unknown, refused: (index: number, error: unknown) => void): Lanes {
    const firsts: number[] = []
    const next = new Int32Array(count).fill(NONE)
    const lastOf = new Map<unknown, number>()
    for (let i = 0; i < count; i++) {
      let key: unknown
      try {
        key = keyOf(i)
      } catch (error) {
        refused(i, error)
        continue
      }
      const last = lastOf.get(key)
      if (last === undefined) firsts.push(i)
      else next[last] = i
      lastOf.set(key, i)
    }
    return new Lanes(firsts.length, firsts, next)
  }

  /** Lanes that nobody has taken yet. */
  get left(): number {
    return this.#count - this.#cursor
  }

  /** Whether another record of its lane comes after record `i`. */
  isFollowed(i: number): boolean {
    return this.#next !== undefined && this.#next[i] !== NONE
  }

  /** What to do after record `done` (undefined: to begin with): the next of its lane, else the first of a lane that is left; undefined if none is. */
  take(done: number | undefined): number | undefined {
    const next = done === undefined || this.#next === undefined ? NONE : (this.#next[done] as number)
    if (next !== NONE) return next
    if (this.#cursor === this.#count) return undefined
    const lane = this.#cursor++
    return this.#firsts === undefined ? lane : this.#firsts[lane]
  }
}
