import type { DeadLetter, Live } from './live.ts'

/** As many as the application remembers. */
const KEPT = 100

/** Dead letters that were told: each comes once, since they may be large and are asked for every second. */
export class Letters {
  #instance: string | undefined
  #known: readonly DeadLetter[] = []

  /** What to ask with. */
  get query(): string {
    const [latest] = this.#known
    if (this.#instance === undefined || latest === undefined) return ''
    return `?${new URLSearchParams({ instance: this.#instance, after: String(latest.number) }).toString()}`
  }

  /** An answer with all that are known; those of another process are not. */
  complete(answer: Live): Live {
    const isSame = answer.instance !== undefined && answer.instance === this.#instance
    const told = isSame ? (this.#known[0]?.number ?? 0) : 0
    // Two answers may tell the same: the second was asked for before the first had come.
    const added = answer.deadLetters.filter(({ number }) => number > told)
    this.#known = (isSame ? [...added, ...this.#known] : added).slice(0, KEPT)
    this.#instance = answer.instance
    return { ...answer, deadLetters: this.#known }
  }
}
