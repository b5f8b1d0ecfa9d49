import type { Headers } from '../batch/headers.ts'
import type { RecordBatch } from '../batch/record-batch.ts'
import type { PassEndedEvent, PassStartedEvent } from './pass-events.ts'

/** Follows passes through the application: what it gives for a pass sees the records, and may add headers to what comes of them. */
export interface PassTracer {
  /** A pass begins. Undefined: nobody follows it. Be quick: this is on the engine's thread. What it throws is logged, and nobody follows then. */
  readonly passStarted: (event: PassStartedEvent, batch: RecordBatch<unknown, unknown>) => PassTrace | undefined
}

/** One pass that is followed. */
export interface PassTrace {
  /**
   * The headers of a record that is written to `topic`: `own` are those it has, `row` is the place, in the batch, of the record that it comes from.
   * Absent: they stay as they are. Called for each record.
   */
  readonly headersOf?: ((topic: string, own: Headers | undefined, row: number) => Headers | undefined) | undefined
  /** Calls what processes the pass, once, and returns what that does: in a context of its own, say. Absent: it is simply called. */
  readonly within?: (<T>(work: () => T) => T) | undefined
  /** The pass is over. */
  readonly ended: (event: PassEndedEvent) => void
}
