import {
  adaptSize,
  type AdaptiveSize,
  type AdaptiveTarget,
  type BatchObservation,
  initialAdaptiveSize,
  retargetAdaptiveSize,
} from './adaptive-size.ts'
import type { BatchPolicy, CutLimits } from './batch-policy.ts'
import { RecentArrivals } from './recent-arrivals.ts'

/** The policy of a topic as it is now. */
export interface LivePolicy {
  readonly current: BatchPolicy
}

/** A finished pass. */
export interface FinishedPass extends Omit<BatchObservation, 'arrivalsPerMs'> {
  /** Of all its batches; those that failed too. */
  readonly records: number
  /** How many batches it took at once. Default: 1. */
  readonly batches?: number | undefined
  /** Records that wait for the next one. */
  readonly waiting: number
}

/** The limits of the batches of one partition: those of its policy, with a size that follows from its batches where the policy says so. */
export class BatchSizer {
  readonly #live: LivePolicy
  #policy: BatchPolicy
  #limits: CutLimits
  #state: AdaptiveSize | undefined
  #arrivals: RecentArrivals | undefined

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

  /** `now`: milliseconds since the epoch. */
  arrived(records: number, now: number): void {
    this.#arrivals?.add(records, now)
  }

  /** To be told of each pass, in order. */
  finished({ waiting, batches = 1, records, failed = 0, ...pass }: FinishedPass): void {
    const { size } = this.limits
    if (this.#state === undefined) return
    // While there is a batch to take, more could have arrived than there was room for.
    const arrivalsPerMs = waiting < size ? this.#arrivals?.perMs : undefined
    // Batches that are processed at once take as long as all of them together.
    const batch = { ...pass, records: records / batches, failed: failed / batches, arrivalsPerMs }
    this.#adopt(adaptSize(targetOf(this.#policy), this.#state, batch))
  }

  #begin(): CutLimits {
    const policy = this.#policy
    if (!policy.adaptive) {
      this.#state = undefined
      this.#arrivals = undefined
      return policy
    }
    const target = targetOf(policy)
    this.#arrivals = new RecentArrivals(target.targetLatencyMs)
    this.#state = this.#state === undefined ? initialAdaptiveSize(target) : retargetAdaptiveSize(target, this.#state)
    return { ...policy, size: this.#state.size }
  }

  #adopt(state: AdaptiveSize): void {
    this.#state = state
    if (state.size !== this.#limits.size) this.#limits = { ...this.#policy, size: state.size }
  }
}

/** A size that was given is the largest, whatever `minSize` says. */
function targetOf({ size, minSize, targetLatencyMs }: BatchPolicy): AdaptiveTarget {
  return { targetLatencyMs, minSize: Math.min(minSize, size), maxSize: size }
}
