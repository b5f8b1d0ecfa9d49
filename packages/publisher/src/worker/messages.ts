import type { TransportRecipe } from '@millrace/core'
import type { EventDefinition, PublishOptions, PublishReceipt } from '../events.ts'
import { PublishError } from '../publish-error.ts'
import type { BatchStatus, CloseReport } from '../publisher.ts'
import type { PublisherMetrics } from '../publisher-metrics.ts'
import type { PublisherOptions } from '../publisher-options.ts'

/** One event for the worker: by its shape, neither a batch nor anything else. */
export interface EventMessage {
  readonly n: number
  readonly type: string
  /** The payload: made in the service, so that it is what was published, whatever becomes of the object afterwards. */
  readonly json: string
  readonly options: PublishOptions
  /** For how long it had been published when it went to the worker, in milliseconds: the clocks of two processes have nothing in common. */
  ageMs: number
}

/** Several. */
export interface BatchMessage {
  readonly events: readonly EventMessage[]
}

/** Events that were written, in columns: as many objects would take whoever gets them ten times as long. */
export interface Written {
  readonly ns: Float64Array
  readonly partitions: Float64Array
  readonly offsets: Float64Array
}

/** What to begin with. */
export interface StartMessage {
  readonly start: {
    readonly transport: TransportRecipe
    readonly events: Readonly<Record<string, Omit<EventDefinition<never>, 'key' | 'serialize' | 'deserialize'>>>
    /** Types whose bytes are made there, and the module that has how. */
    readonly own: { readonly types: readonly string[]; readonly module: string }
    readonly options: Omit<PublisherOptions<never>, 'transport' | 'events' | 'worker' | 'logger' | 'clock' | 'outbox'>
  }
}

/** Something to be answered. */
export type CallMessage =
  | { readonly call: number; readonly flush: true }
  | { readonly call: number; readonly transaction: readonly EventMessage[] }
  | { readonly call: number; readonly close: { readonly timeoutMs: number } }

export type ToWorker = EventMessage | BatchMessage | StartMessage | CallMessage

/** What became of a call, or of an event that was not written. */
export type Settled =
  | { readonly n: number; readonly value: readonly PublishReceipt[] | CloseReport | undefined }
  | { readonly n: number; readonly error: ErrorData }

export interface FromWorker {
  readonly settled?: readonly Settled[]
  readonly written?: Written
  readonly status?: BatchStatus
  readonly metrics?: PublisherMetrics
  /** It takes events. */
  readonly ready?: true
  /** Why it never will. */
  readonly failed?: ErrorData
  readonly log?: {
    readonly level: 'debug' | 'info' | 'warn' | 'error'
    readonly about: Readonly<Record<string, unknown>>
    readonly message: string
  }
}

/** An error as data: its code, its fields, and what it was caused by. */
export type ErrorData = Pick<PublishError, 'code' | 'message' | 'outcome' | 'retryable' | 'overtaken' | 'kept'> &
  Readonly<Record<'eventId' | 'eventType' | 'topic', string | undefined>> & {
    readonly partition: number | undefined
    readonly cause: CauseData | undefined
  }

interface CauseData {
  readonly name: string
  readonly message: string
  readonly code: string | undefined
}

export function isBatch(message: ToWorker): message is BatchMessage {
  return 'events' in message
}

export function isEvent(message: ToWorker): message is EventMessage {
  return 'json' in message
}

export function dataOf(error: unknown): ErrorData {
  const known =
    error instanceof PublishError ? error : new PublishError('PUBLISH_FAILED', String(error), { outcome: 'unknown', cause: error })
  const { code, message, outcome, retryable, overtaken, kept, eventId, eventType, topic, partition } = known
  const fields = { code, message, outcome, retryable, overtaken, kept, eventId, eventType, topic, partition }
  return { ...fields, cause: known.cause instanceof Error ? causeOf(known.cause) : undefined }
}

function causeOf(cause: Error): CauseData {
  const { code } = cause as { readonly code?: unknown }
  return { name: cause.name, message: cause.message, code: typeof code === 'string' ? code : undefined }
}

export function errorOf({ code, message, cause, ...details }: ErrorData): PublishError {
  const origin = cause === undefined ? undefined : Object.assign(new Error(cause.message), { name: cause.name, code: cause.code })
  return new PublishError(code, message, { ...details, cause: origin })
}

/** What a logger is told, as data: errors are not sent as they are. */
export function aboutOf(about: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(about).map(([name, value]) => [name, value instanceof Error ? causeOf(value) : value]))
}
