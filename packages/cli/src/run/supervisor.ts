import { type Clock, RestartBudget } from '@millrace/core'
import { wait } from '../command-line/environment.ts'
import { EXIT } from '../command-line/exit-codes.ts'

/** What an instance ends with when starting it again can't help. */
export const NOT_STARTABLE = 78

/** How a process ended. */
export interface InstanceEnd {
  readonly code: number | null
  readonly signal: string | null
}

/** One process of an application. */
export interface Instance {
  readonly pid: number | undefined
  readonly ended: Promise<InstanceEnd>
  /** Asks it to finish what it has begun, and to end. */
  drain(): void
  /** Ends it at once. */
  kill(): void
}

export type SupervisorEvent =
  | { readonly event: 'started'; readonly instance: number; readonly pid: number | undefined }
  | { readonly event: 'ended'; readonly instance: number; readonly code: number | null; readonly signal: string | null }
  | { readonly event: 'restarting'; readonly instance: number; readonly inMs: number; readonly restart: number }
  | { readonly event: 'given-up'; readonly instance: number; readonly restarts: number }

export interface SupervisorOptions {
  readonly instances: number
  /** Starts one; counted from 1. */
  readonly start: (instance: number) => Instance
  readonly clock: Clock
  /** How often one is started again without having run for a minute in between. */
  readonly maxRestarts: number
  readonly tell: (event: SupervisorEvent) => void
}

/** Before the first restart; each further one waits twice as long. */
const FIRST_MS = 1_000
const LONGEST_MS = 30_000

/** Keeps the processes of an application running until they are to end. */
export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #running = new Set<Instance>()
  readonly #ending = new AbortController()

  constructor(options: SupervisorOptions) {
    this.#options = options
  }

  /**
   * Runs all instances until `stop` is aborted and they have drained, until all have ended by themselves, or until one can't be kept running, which
   * ends the others too. Resolves with the exit code.
   */
  async run(stop: AbortSignal): Promise<number> {
    const drain = () => this.#drain()
    stop.addEventListener('abort', drain)
    if (stop.aborted) drain()
    try {
      const codes = await Promise.all(Array.from({ length: this.#options.instances }, (_, i) => this.#keep(i + 1)))
      return codes.find((code) => code !== EXIT.done) ?? EXIT.done
    } finally {
      stop.removeEventListener('abort', drain)
    }
  }

  /** Ends all of them at once. */
  kill(): void {
    this.#ending.abort()
    for (const instance of this.#running) instance.kill()
  }

  #drain(): void {
    this.#ending.abort()
    for (const instance of this.#running) instance.drain()
  }

  /** One instance, over its restarts. Resolves with what it has for the exit code. */
  async #keep(number: number): Promise<number> {
    const { clock, maxRestarts, tell } = this.#options
    const budget = new RestartBudget({ maxRestarts, firstMs: FIRST_MS, longestMs: LONGEST_MS })
    let last: number = EXIT.done
    while (!this.#ending.signal.aborted) {
      const began = clock.monotonic()
      const { code } = await this.#once(number)
      if (code === EXIT.done) return EXIT.done
      last = code === EXIT.usage ? EXIT.usage : EXIT.failed
      if (this.#ending.signal.aborted) return last
      const hopeless = code === EXIT.usage || code === NOT_STARTABLE
      const inMs = hopeless ? undefined : budget.next(clock.monotonic() - began)
      if (inMs === undefined) {
        if (!hopeless) tell({ event: 'given-up', instance: number, restarts: budget.restarts })
        this.#drain()
        return last
      }
      tell({ event: 'restarting', instance: number, inMs, restart: budget.restarts })
      await wait(inMs, { clock, stop: this.#ending.signal })
    }
    return last
  }

  async #once(number: number): Promise<InstanceEnd> {
    const instance = this.#options.start(number)
    this.#running.add(instance)
    this.#options.tell({ event: 'started', instance: number, pid: instance.pid })
    const end = await instance.ended
    this.#running.delete(instance)
    this.#options.tell({ event: 'ended', instance: number, ...end })
    return end
  }
}
