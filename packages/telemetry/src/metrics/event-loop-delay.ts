import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'

/** A window is over with the first look after so long, in milliseconds. */
const WINDOW_MS = 30_000
const SECONDS = 1e9
/** How often Node looks, in milliseconds; it counts this time into each delay. */
const RESOLUTION_MS = 20
const RESOLUTION = RESOLUTION_MS * 1e6

/** In seconds. */
export interface LoopDelay {
  readonly mean: number
  readonly p99: number
  readonly max: number
}

interface Window extends LoopDelay {
  readonly count: number
}

/** What is asked of Node's histogram of delays, in nanoseconds. */
export type DelayHistogram = Pick<IntervalHistogram, 'count' | 'mean' | 'max' | 'percentile' | 'reset'> & {
  enable(): boolean
  disable(): boolean
}

/**
 * How late the event loop was in the last half minute, or up to a whole one. Whoever looks, and however often, takes nothing from who looks next: a dashboard
 * looks once a second, Prometheus perhaps once a minute.
 */
export class EventLoopDelay {
  readonly #histogram: DelayHistogram
  readonly #now: () => number
  #began = 0
  #before: Window | undefined

  /** `now`: monotonic milliseconds. */
  constructor(now: () => number, histogram: DelayHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })) {
    this.#now = now
    this.#histogram = histogram
  }

  start(): void {
    this.#began = this.#now()
    this.#histogram.enable()
  }

  stop(): void {
    this.#histogram.disable()
  }

  /** Undefined while nothing was measured. */
  look(): LoopDelay | undefined {
    const now = this.#current()
    const before = this.#before
    if (this.#now() - this.#began >= WINDOW_MS) {
      this.#before = now
      this.#began = this.#now()
      this.#histogram.reset()
    }
    const windows = [now, before].filter((one) => one !== undefined)
    if (windows.length === 0) return undefined
    const count = windows.reduce((sum, one) => sum + one.count, 0)
    return {
      mean: windows.reduce((sum, one) => sum + one.mean * one.count, 0) / count,
      p99: Math.max(...windows.map(({ p99 }) => p99)),
      max: Math.max(...windows.map(({ max }) => max)),
    }
  }

  #current(): Window | undefined {
    const histogram = this.#histogram
    if (histogram.count === 0) return undefined
    return {
      count: histogram.count,
      mean: late(histogram.mean),
      p99: late(histogram.percentile(99)),
      max: late(histogram.max),
    }
  }
}

/** In seconds: what is over the time after which Node looks. */
function late(nanoseconds: number): number {
  return Math.max(0, nanoseconds - RESOLUTION) / SECONDS
}
