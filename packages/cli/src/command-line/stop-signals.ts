import { constants } from 'node:os'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** What a process ends with that a signal has ended, as shells tell it. */
export function exitCodeOfSignal(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}

/** Turns the first SIGINT, SIGTERM or SIGHUP (the terminal is gone) into a request to stop; the second ends the process at once. */
export class StopSignals {
  readonly #stop = new AbortController()
  readonly #kill = new AbortController()
  #received: NodeJS.Signals | undefined

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.#onSignal)
  }

  /** Aborted at the first signal. */
  get stop(): AbortSignal {
    return this.#stop.signal
  }

  /** Aborted at the second. */
  get kill(): AbortSignal {
    return this.#kill.signal
  }

  /** The first signal that came. */
  get received(): NodeJS.Signals | undefined {
    return this.#received
  }

  readonly #onSignal = (signal: NodeJS.Signals): void => {
    if (this.#received === undefined) {
      this.#received = signal
      this.#stop.abort()
      return
    }
    this.#kill.abort()
    process.exit(exitCodeOfSignal(signal))
  }
}
