/** Of the kind `slow-processor`. */
export interface SlowProcessor {
  /** What it waits for with each batch, of a thousand records at most. */
  readonly pauseMs: number
  /** After which the group puts it out if it sends no heartbeats, or does not ask for records. */
  readonly sessionTimeoutMs: number
}

export interface MemoryConfig {
  readonly brokers: string
  readonly applicationId: string
  readonly topics: { readonly input: string; readonly output: string }
  readonly stateDir: string
  readonly kind: 'stopped-sink' | 'fan-out' | 'slow-processor'
  readonly slow?: SlowProcessor | undefined
}

export interface MemoryReport {
  /** Resident memory. */
  readonly rssBytes: number
  /** What was left after a collection, now and then. Not resident memory: that says also what the allocator keeps. */
  readonly liveBytes: number | undefined
  /** Source records that went into the processor so far, those of passes that were run again included. */
  readonly processed: number
  /** Source records whose offsets are committed. */
  readonly committed: number
  /** Tasks that were assigned to it, one for each partition, and those that were taken away. */
  readonly tasksGiven: number
  readonly tasksTaken: number
}
