/** The first record, as far as is known, of a leader's time. */
export interface EpochStart {
  readonly from: number
  /** -1: not known. */
  readonly epoch: number
}

/** Leaders change rarely: so many changes behind where reading stands nobody asks for any more. */
const MOST = 100

/** Of which leader's time the records of a partition are, as they were read: by that a log is known to have lost some of them (KIP-320). */
export class EpochHistory {
  readonly #starts: EpochStart[] = []

  /** Begins at `offset`; `epoch`: of the record before it, -1 if that is not known. */
  begin(offset: number, epoch: number): void {
    this.#starts.length = 0
    if (epoch >= 0) this.#starts.push({ from: offset - 1, epoch })
  }

  add(starts: readonly EpochStart[]): void {
    for (const start of starts) if (this.#starts.at(-1)?.epoch !== start.epoch) this.#starts.push(start)
    this.#starts.splice(0, this.#starts.length - MOST)
  }

  /** Nothing was read from `offset` on, after all. */
  cut(offset: number): void {
    while ((this.#starts.at(-1)?.from ?? -Infinity) >= offset) this.#starts.pop()
  }

  /** Of the record before `offset`; -1: not known. */
  before(offset: number): number {
    return this.#starts.findLast(({ from }) => from < offset)?.epoch ?? -1
  }

  /** The first offset that was read of a later time; undefined: there is none. */
  beyond(epoch: number): number | undefined {
    return this.#starts.find((start) => start.epoch > epoch)?.from
  }
}
