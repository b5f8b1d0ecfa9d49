import { adaptSize, type AdaptiveSize, type BatchObservation, type BatchPolicy, type CutLimits, initialAdaptiveSize } from '@millrace/core'
import type { LivePolicy } from './batching.ts'

/** A finished pass. */
export interface FinishedPass extends Omit<BatchObservation, 'arrivalsPerMs'> {
  /** Milliseconds of a clock that only goes forward. */
  readonly endedAt: number
  /** Records that wait for the next one. */
  readonly waiting: number
}

/** The limits of the batches of one partition: those of its policy, with a size that follows from its batches where the policy says so. */
export class BatchSizer {
  readonly #live: LivePolicy
  #policy: BatchPolicy
  #limits: CutLimits
  #state: AdaptiveSize | undefined
  #arrived = 0
  /** When records began to be counted. */
  #since: number | undefined

  constructor(live: LivePolicy) {
    this.#live = live
    this.#policy = live.current
    this.#limits = this.#begin()
  }

  /** The same object while nothing changes. */
  get limits(): CutLimits {
    if (this.#policy !== this.#live.current) {
      this.#policy = this.#live.current
      this.#limits = this.#begin()
    }
    return this.#limits
  }

  arrived(records: number): void {
    this.#arrived += records
  }

  /** To be told of each pass, in order. */
  finished({ endedAt, waiting, ...batch }: FinishedPass): void {
    const { size } = this.limits
    if (this.#state === undefined) return
    const elapsedMs = endedAt - (this.#since ?? endedAt)
    // While there is a batch to take, more could have arrived than there was room for.
    const arrivalsPerMs = waiting < size && elapsedMs > 0 ? this.#arrived / elapsedMs : undefined
    this.#arrived = 0
    this.#since = endedAt
    this.#adopt(adaptSize(this.#policy, this.#state, { ...batch, arrivalsPerMs }))
  }

  #begin(): CutLimits {
    const policy = this.#policy
    if (!policy.adaptive) {
      this.#state = undefined
      return policy
    }
    this.#state = resumed(policy, this.#state)
    return { ...policy, size: sizeOf(policy, this.#state) }
  }

  #adopt(state: AdaptiveSize): void {
    this.#state = state
    const size = sizeOf(this.#policy, state)
    if (size !== this.#limits.size) this.#limits = { ...this.#policy, size }
  }
}

/** What is known of a processor's speed outlives a change of policy. */
function resumed({ minSize, maxSize, targetLatencyMs }: BatchPolicy, state: AdaptiveSize | undefined): AdaptiveSize {
  if (state === undefined) return initialAdaptiveSize({ minSize, maxSize, targetLatencyMs })
  return { ...state, size: Math.min(maxSize, Math.max(minSize, state.size)), ceiling: Infinity }
}

/** A size that was given is the largest, whatever `minSize` says. */
function sizeOf({ size }: BatchPolicy, state: AdaptiveSize): number {
  return Math.min(size, state.size)
}
