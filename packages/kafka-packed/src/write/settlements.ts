import type { WriteFailed } from './write-failed.ts'

interface Flush {
  readonly round: number
  readonly failures: WriteFailed[]
}

/**
 * Which batches are settled, for those who flush: each batch is of a round, and a flush closes the round and waits for it and those before, whatever is written
 * meanwhile. A failure is told to every flush that waits for it, else to the next.
 */
export class Settlements {
  #round = 0
  readonly #unsettled = new Map<number, number>()
  readonly #flushes = new Set<Flush>()
  #untold: WriteFailed[] = []

  /** There is one more batch: of the present round, or, as a part of one, of that one's. Returns the round. */
  begin(round = this.#round): number {
    this.#unsettled.set(round, (this.#unsettled.get(round) ?? 0) + 1)
    return round
  }

  settle(round: number, failure: WriteFailed | undefined): void {
    const left = (this.#unsettled.get(round) ?? 1) - 1
    if (left === 0) this.#unsettled.delete(round)
    else this.#unsettled.set(round, left)
    if (failure !== undefined) this.#tell(round, failure)
  }

  /** Waits by `change`, which resolves when something was settled and rejects when nothing will be any more: then failures are left to the next. */
  async flush(change: () => Promise<void>): Promise<readonly WriteFailed[]> {
    const flush = { round: this.#round++, failures: this.takeUntold() }
    this.#flushes.add(flush)
    try {
      while (!this.#isSettled(flush.round)) await change()
    } catch (error) {
      this.#untold.push(...flush.failures)
      throw error
    } finally {
      this.#flushes.delete(flush)
    }
    return flush.failures
  }

  /** No flush will resolve any more: what those under way were told is untold, and so is what fails from now on. */
  end(): void {
    const failures = new Set<WriteFailed>()
    for (const flush of this.#flushes) for (const failure of flush.failures.splice(0)) failures.add(failure)
    this.#untold.push(...failures)
    this.#flushes.clear()
  }

  takeUntold(): WriteFailed[] {
    return this.#untold.splice(0)
  }

  #isSettled(round: number): boolean {
    for (const unsettled of this.#unsettled.keys()) if (unsettled <= round) return false
    return true
  }

  #tell(round: number, failure: WriteFailed): void {
    let isTold = false
    for (const flush of this.#flushes) {
      if (flush.round < round) continue
      flush.failures.push(failure)
      isTold = true
    }
    if (!isTold) this.#untold.push(failure)
  }
}
