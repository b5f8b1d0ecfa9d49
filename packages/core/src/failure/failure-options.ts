import type { Headers } from '../batch/headers.ts'

/**
 * What is done with a record that failed for good: `fail`: the application stops with the error, and the record is not committed; `skip`: the record
 * leaves no trace but an event; `dead-letter`: it is handed to {@link FailureOptions.deadLetter} and {@link FailureOptions.handleDeadLetter}.
 */
export type FailurePolicy = 'fail' | 'skip' | 'dead-letter'

/** Every policy there is. */
export const FAILURE_POLICIES: readonly FailurePolicy[] = Object.freeze(['fail', 'skip', 'dead-letter'])

/** Decides for one record. What it throws stops the application, like `fail`. */
export type FailureHandler = (failure: FailedRecord) => FailurePolicy | Promise<FailurePolicy>

/** Where a record failed: its bytes could not be decoded, a node failed with it, or what came of it could not be encoded or delivered. */
export type FailureStage = 'decode' | 'process' | 'produce'

/** What is committed together when a part of a batch fails. `docs/failures.md` has the table. */
export type Acknowledgement = 'all-or-nothing' | 'best-effort' | 'last-successful'

/** Which header names a dead letter carries: those of Spring-Kafka, of Kafka Connect, or of Kafka Streams (KIP-1034). */
export type DeadLetterHeaderStyle = 'spring' | 'connect' | 'streams'

/** A class of errors, for `instanceof`. */
export type ErrorClass = abstract new (...args: never[]) => unknown

/** A source record that failed, as it was read. */
export interface FailedRecord {
  /** Where it failed. */
  readonly stage: FailureStage
  /** At stage `decode`: which of the two could not be decoded. Otherwise absent. */
  readonly part?: 'key' | 'value' | undefined
  /** Name of the node of the topology that failed: the source at `decode`, the sink at `produce`. */
  readonly node: string
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** Milliseconds since 1970, as the record was read. */
  readonly timestamp: number
  /** The bytes that were read. */
  readonly key: Uint8Array | null
  /** The bytes that were read. */
  readonly value: Uint8Array | null
  /** The headers that were read. */
  readonly headers: Headers
  /** What was thrown or reported: mostly an `Error`, but a program may throw anything. */
  readonly error: unknown
  /** How often it was tried, first attempt included: 1 is one attempt and no retry. */
  readonly attempts: number
  /** Records in the batch it came with. */
  readonly batchSize: number
  /** Its index in that batch, from 0. */
  readonly index: number
}

/** How long is waited before a retry: `initialDelayMs * factor ** (retry - 1)`, at most `maxDelayMs`, less the jitter. How often: `batch.maxRetries`. */
export interface RetryOptions {
  /** Before the first retry, in milliseconds. 0 retries at once. Default: 100. */
  readonly initialDelayMs?: number | undefined
  /** The longest wait, in milliseconds. Default: 30,000. */
  readonly maxDelayMs?: number | undefined
  /** What each wait is multiplied by for the next. At least 1. Default: 2. */
  readonly factor?: number | undefined
  /** The share of a wait that chance may take off, from 0 (none) to 1, so that what failed together is not retried together. Default: 0.5. */
  readonly jitter?: number | undefined
  /** Errors that a retry can't help: these classes, and errors with such a cause. Default: none. */
  readonly nonRetryable?: readonly ErrorClass[] | undefined
}

/** Where dead letters go, and what their headers look like. */
export interface DeadLetterOptions {
  /** A topic, or a function that names one for each record. It must exist. Default: none; the hook, or else the log, has the record. */
  readonly topic?: string | ((failure: FailedRecord) => string) | undefined
  /** Default: `streams`. */
  readonly headerStyle?: DeadLetterHeaderStyle | undefined
  /** Bytes of UTF-8 that the stack trace may take, from 0 (none) to 65,536. Default: 4,096. */
  readonly maxStackBytes?: number | undefined
}

/** When a partition stops calling a node that mostly fails, and for how long. */
export interface CircuitBreakerOptions {
  /** The share of failed batches in the window that opens it, above 0 and at most 1. Default: 0.5. */
  readonly threshold?: number | undefined
  /** How many of the last batches are looked at. Default: 20. */
  readonly window?: number | undefined
  /** Batches that must have been seen before it may open, at most `window`. Default: 5, or `window` where that is less. */
  readonly minimum?: number | undefined
  /** How long the partition is paused before one batch is tried, in milliseconds. 0 tries it at once. Default: 30,000. */
  readonly openMs?: number | undefined
}

/** What is done when records fail. */
export interface FailureOptions {
  /** What is committed together when a part of a batch fails. Default: `all-or-nothing`. */
  readonly acknowledgement?: Acknowledgement | undefined
  /** The waits between retries; `batch.maxRetries` says how many there are. */
  readonly retry?: RetryOptions | undefined
  /** For records whose key or value can't be decoded; they are never retried. Default: `fail`. */
  readonly decode?: FailurePolicy | FailureHandler | undefined
  /** For records that a node failed with, after their retries. Default: `fail`. */
  readonly process?: FailurePolicy | FailureHandler | undefined
  /** For records whose output can't be encoded or delivered. Default: `fail`. */
  readonly produce?: FailurePolicy | FailureHandler | undefined
  /** Where dead letters go. */
  readonly deadLetter?: DeadLetterOptions | undefined
  /**
   * Called with every dead letter and its error, besides the topic or without one; awaited before the record is committed. What it throws stops the
   * application. Default: none; without a topic and without it, record and reason are logged.
   */
  readonly handleDeadLetter?: ((failure: FailedRecord, error: unknown) => void | Promise<void>) | undefined
  /** For each node and partition; `false`: none. Default: `false`. */
  readonly circuitBreaker?: CircuitBreakerOptions | false | undefined
}

/** Options of which every one is there. */
type Resolved<T> = { readonly [Name in keyof T]-?: Exclude<T[Name], undefined> }

/** {@link RetryOptions} with every default. */
export type ResolvedRetryOptions = Resolved<RetryOptions>

/** {@link DeadLetterOptions} with every default. */
export interface ResolvedDeadLetterOptions extends Resolved<Omit<DeadLetterOptions, 'topic'>> {
  readonly topic: DeadLetterOptions['topic']
}

/** {@link CircuitBreakerOptions} with every default. */
export type ResolvedCircuitBreakerOptions = Resolved<CircuitBreakerOptions>

/** {@link FailureOptions} with every default. Units as there. */
export interface ResolvedFailureOptions extends Resolved<Pick<FailureOptions, 'acknowledgement' | 'decode' | 'process' | 'produce'>> {
  readonly retry: ResolvedRetryOptions
  readonly deadLetter: ResolvedDeadLetterOptions
  readonly handleDeadLetter: FailureOptions['handleDeadLetter']
  readonly circuitBreaker: ResolvedCircuitBreakerOptions | false
}
