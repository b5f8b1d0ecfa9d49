/** A contender that is ready to run. */
export interface Opened {
  /** Last preparations of a run, not timed; of contenders that are opened afresh, and of slices. Synchronous: nothing of the work begins before the clock does. */
  begin?(): void
  /** What is timed. */
  work(): void | Promise<void>
  /** Throws if the work that was done is not what it should be. Called once, after a run that is not timed. */
  check?(): void | Promise<void>
  close?(): void | Promise<void>
}

/** One way of doing the work of a comparison. */
export interface Contender {
  readonly name: string
  /** What is done, and what is not, in a sentence. */
  readonly says: string
  /** Records that one call of `work` handles. */
  readonly records: number
  /** Opened anew for each run, in which the work is done once. Otherwise opened once, and each run does the work as often as it takes to be measured. */
  readonly afresh?: boolean
  open(): Opened | Promise<Opened>
}

/** Ways of doing the same work, measured in turns. */
export interface Comparison {
  readonly name: string
  /** What the others are compared with. */
  readonly baseline: Contender
  readonly others: readonly Contender[]
  /** Where differences are small: runs of each, at least. Default: as many as of others. */
  readonly minRuns?: number
  /** Runs of each before, at least. Default: as many as of others. */
  readonly minWarmUpRuns?: number
  /**
   * Where differences are small, and contenders stay open: a run of each is so many calls of `work`, in turns with the others, so that what else the machine does
   * meets all alike, and nothing is collected before them. Default: 1, with the work repeated until it can be measured.
   */
  readonly slices?: number
}

/** A promise of the product: `row` takes no more than so much time, or is so many times as fast as another. */
export interface Target {
  readonly comparison: string
  readonly row: string
  /** At most this share of the time of the comparison's baseline. */
  readonly maxTimeRatio?: number
  /** At most this share of the CPU time of the comparison's baseline: the upper confidence limit of the median. */
  readonly maxCpuRatio?: number
  /** At most so many microseconds a record. */
  readonly maxMicros?: number
  /** At most so many microseconds a record of the thread of JavaScript. */
  readonly maxThreadMicros?: number
  /** At least so many times as many records a second as the row `than`. */
  readonly timesFaster?: { readonly than: string; readonly least: number }
  readonly says: string
}
