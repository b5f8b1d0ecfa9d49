/** How long work may go on before input and output get their turn, in milliseconds. */
const TURN_MS = 5

/**
 * Lets the event loop breathe: passes that never wait for anything outside would otherwise keep timers and sockets from running. The tasks of an application share
 * one, and take turns: were each to begin as soon as the loop has gone round, an answer that came meanwhile would wait for a pass of every task.
 */
export class Turns {
  #since = -Infinity
  readonly #waiting: (() => void)[] = []
  #goesRound = false

  /** Resolves when it is the caller's turn: who asked before comes first, and every `TURN_MS` the event loop goes round. */
  async take(): Promise<void> {
    const isOver = performance.now() - this.#since >= TURN_MS
    if (!isOver && this.#waiting.length === 0) return
    const turn = new Promise<void>((resolve) => this.#waiting.push(resolve))
    if (!isOver) this.#waiting.shift()?.()
    this.#goRound()
    await turn
  }

  #goRound(): void {
    if (this.#goesRound || this.#waiting.length === 0) return
    this.#goesRound = true
    setImmediate(() => {
      this.#goesRound = false
      this.#since = performance.now()
      this.#waiting.shift()?.()
      this.#goRound()
    })
  }
}
