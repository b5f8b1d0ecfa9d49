import type { ResolvedCircuitBreakerOptions } from './failure-options.ts'
import type { Clock } from '../observe/clock.ts'
import type { CircuitState } from '../observe/observer.ts'
import { CircuitState as LibraryState, CountBreaker } from 'cockatiel'

/** Told when a breaker changes its state. */
export type CircuitListener = (node: string, from: CircuitState, to: CircuitState) => void

interface Breaker {
  readonly window: CountBreaker
  state: CircuitState
  /** Of the clock that only goes forwards, in milliseconds. */
  openUntil: number
}

/** cockatiel opens above its threshold, which must be less than 1: this little below, so that a share that reaches it opens. */
const LESS = 1e-9

/**
 * A circuit breaker for each node of one task, or for whatever else has a name, such as a topic that is written. One opens when the share of failed batches in its window reaches the threshold; then the task waits,
 * tries one batch (half-open), and closes the breaker if that goes well.
 */
export class CircuitBreakers {
  readonly #options: ResolvedCircuitBreakerOptions
  readonly #clock: Clock
  readonly #onChange: CircuitListener
  readonly #breakers = new Map<string, Breaker>()

  constructor(options: ResolvedCircuitBreakerOptions, clock: Clock, onChange: CircuitListener) {
    this.#options = options
    this.#clock = clock
    this.#onChange = onChange
  }

  /** Those that are not closed, by node. */
  get open(): ReadonlyMap<string, CircuitState> {
    return new Map([...this.#breakers].flatMap(([node, { state }]) => (state === 'closed' ? [] : [[node, state] as const])))
  }

  /** How long nothing is to be tried of one node, or of any, in milliseconds; 0: the next batch may be. */
  waitMs(only?: string): number {
    const breakers = only === undefined ? [...this.#breakers.values()] : [this.#breakers.get(only)]
    let until = -Infinity
    for (const breaker of breakers) if (breaker?.state === 'open') until = Math.max(until, breaker.openUntil)
    return Math.max(0, until - this.#clock.monotonic())
  }

  /** A batch is tried, of one node or of all: breakers that have been open long enough are half-open from now on. */
  try(only?: string): void {
    const now = this.#clock.monotonic()
    for (const [node, breaker] of this.#breakers)
      if (breaker.state === 'open' && now >= breaker.openUntil && (only === undefined || only === node))
        this.#go(node, breaker, 'half-open')
  }

  /** An attempt went well: closes a breaker that is half-open. */
  succeeded(node: string): void {
    const breaker = this.#of(node)
    breaker.window.success(breaker.state === 'half-open' ? LibraryState.HalfOpen : LibraryState.Closed)
    if (breaker.state === 'half-open') this.#go(node, breaker, 'closed')
  }

  /** An attempt failed: opens the breaker where that makes the share. */
  failed(node: string): void {
    const breaker = this.#of(node)
    const opens = breaker.window.failure(breaker.state === 'half-open' ? LibraryState.HalfOpen : LibraryState.Closed)
    if (!opens) return
    breaker.openUntil = this.#clock.monotonic() + this.#options.openMs
    this.#go(node, breaker, 'open')
  }

  #of(node: string): Breaker {
    const known = this.#breakers.get(node)
    if (known !== undefined) return known
    const { threshold, window, minimum } = this.#options
    const breaker: Breaker = {
      window: new CountBreaker({ threshold: Math.max(LESS, threshold - LESS), size: window, minimumNumberOfCalls: minimum }),
      state: 'closed',
      openUntil: 0,
    }
    this.#breakers.set(node, breaker)
    return breaker
  }

  #go(node: string, breaker: Breaker, to: CircuitState): void {
    const from = breaker.state
    if (from === to) return
    breaker.state = to
    this.#onChange(node, from, to)
  }
}
