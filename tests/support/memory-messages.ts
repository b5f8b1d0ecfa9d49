export interface MemoryConfig {
  readonly brokers: string
  readonly applicationId: string
  readonly topics: { readonly input: string; readonly output: string }
  readonly stateDir: string
  readonly kind: 'stopped-sink' | 'fan-out' | 'slow-processor'
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
}
