/** Wakes everybody who waits at the moment it is notified. */
export class Broadcast {
  #waiters: (() => void)[] = []

  notify(): void {
    const waiters = this.#waiters
    if (waiters.length === 0) return
    this.#waiters = []
    for (const wake of waiters) wake()
  }

  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve))
  }
}
