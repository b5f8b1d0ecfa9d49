import { setImmediate } from 'node:timers/promises'

/** How long work may go on before input and output get their turn. */
const TURN_MS = 5

/** Lets the event loop breathe: passes that never wait for anything outside would otherwise keep timers and sockets from running. */
export class Turns {
  #since = -Infinity

  /** Resolves at once, or after the event loop has gone round when the last time is `TURN_MS` ago. */
  async take(): Promise<void> {
    if (performance.now() - this.#since < TURN_MS) return
    await setImmediate()
    this.#since = performance.now()
  }
}
