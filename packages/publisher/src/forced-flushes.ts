import type { PendingEvent } from './pending-event.ts'

/** What was published between two calls of `forceFlush`. */
interface Epoch {
  readonly number: number
  unsettled: number
  readonly resolves: (() => void)[]
}

/** Who waits until all that was published before is settled. */
export class ForcedFlushes {
  /** The last is the one that events are published in. */
  #epochs: Epoch[] = [{ number: 0, unsettled: 0, resolves: [] }]
  #last = this.#epochs[0] as Epoch

  /** Events of lower epochs are to go without waiting for company. */
  get epoch(): number {
    return this.#last.number
  }

  /** It was published. */
  taken(event: Pick<PendingEvent, 'epoch'>): void {
    event.epoch = this.#last.number
    this.#last.unsettled++
  }

  /** Resolves when everything that was published before is settled. */
  reached(): Promise<void> {
    const { number, unsettled } = this.#last
    if (unsettled > 0) {
      this.#last = { number: number + 1, unsettled: 0, resolves: [] }
      this.#epochs.push(this.#last)
    }
    const before = this.#epochs.at(-2)
    if (before === undefined) return Promise.resolve()
    return new Promise((resolve) => before.resolves.push(resolve))
  }

  settled({ epoch }: Pick<PendingEvent, 'epoch'>): void {
    const lowest = (this.#epochs[0] as Epoch).number
    ;(this.#epochs[epoch - lowest] as Epoch).unsettled--
    while (this.#epochs.length > 1 && this.#epochs[0]?.unsettled === 0)
      for (const resolve of this.#epochs.shift()?.resolves ?? []) resolve()
  }
}
