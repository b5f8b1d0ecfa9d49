import {
  ColumnBatch,
  type Headers,
  type PassEndedEvent,
  type PassStartedEvent,
  type PassTrace,
  type PassTracer,
  type RecordBatch,
} from '@millrace/core'
import {
  context,
  isSpanContextValid,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api'
import { Allowance } from '../internal/allowance.ts'
import { baggageIn, carriedBy, hasTrace, headersOfSpan, spanContextIn, traceparentOf, withoutTrace } from './trace-context.ts'
import type { CheckpointHook, ResolvedTracingOptions } from './tracing-options.ts'

export interface PassSpansOptions {
  readonly application: string
  /** As semantic conventions name what messages come from. */
  readonly system: string
  /** Undefined: traces are left alone. */
  readonly tracing: ResolvedTracingOptions | undefined
  readonly checkpoints: CheckpointHook | undefined
  /** Monotonic milliseconds. */
  readonly now: () => number
}

type Batch = RecordBatch<unknown, unknown>

/** A span for a batch, as long as there are not too many, and the traces of records passed on to what comes of them. */
export class PassSpans implements PassTracer {
  readonly #options: PassSpansOptions
  readonly #allowance: Allowance

  constructor(options: PassSpansOptions) {
    this.#options = options
    this.#allowance = new Allowance(options.tracing?.maxSpansPerSecond ?? 0, options.now)
  }

  readonly passStarted = (event: PassStartedEvent, batch: Batch): PassTrace | undefined => {
    const { tracing, checkpoints, application } = this.#options
    const { topic, partition } = event
    checkpoints?.consumed?.({ topic, partition, group: application, length: batch.length, headersOf: (index) => batch.headers(index) })
    const carried = tracing === undefined ? undefined : carriedIn(batch)
    const span = tracing !== undefined && this.#allowance.take() ? this.#start(event, carried, tracing) : undefined
    if (carried === undefined && span === undefined && checkpoints?.produced === undefined) return undefined
    return new FollowedPass({ carried, span, outputs: tracing?.outputs ?? 'record', checkpoints })
  }

  #start(event: PassStartedEvent, carried: Carried | undefined, { tracer, maxLinks }: ResolvedTracingOptions): Span {
    const { application, system } = this.#options
    const { topic, partition, records, firstOffset, lastOffset, task, trigger } = event
    // Whether there is one alone is to be known, however few are linked.
    const contexts = carried === undefined ? [] : contextsIn(carried, Math.max(2, maxLinks))
    const own: Tracer = tracer ?? trace.getTracer('millrace')
    const options = {
      kind: SpanKind.CONSUMER,
      links: contexts.slice(0, maxLinks).map((of): Link => ({ context: of })),
      attributes: {
        'messaging.system': system,
        'messaging.operation.name': 'process',
        'messaging.operation.type': 'process',
        'messaging.destination.name': topic,
        'messaging.destination.partition.id': String(partition),
        'messaging.consumer.group.name': application,
        'messaging.batch.message_count': records,
        'millrace.task': task,
        'millrace.offset.first': firstOffset,
        'millrace.offset.last': lastOffset,
        'millrace.trigger': trigger,
      },
    }
    // Records of one trace alone: the batch is a part of that trace.
    const [only] = contexts
    const parent =
      only !== undefined && contexts.length === 1 && carried?.all === true ? trace.setSpanContext(ROOT_CONTEXT, only) : ROOT_CONTEXT
    return own.startSpan(`process ${topic}`, options, parent)
  }
}

/** The headers by which each record's trace goes on. */
interface Carried {
  readonly headers: readonly (Headers | undefined)[]
  /** Whether each record has some. */
  readonly all: boolean
}

function carriedIn(batch: Batch): Carried | undefined {
  if (batch instanceof ColumnBatch && !batch.hasHeaders) return undefined
  let headers: (Headers | undefined)[] | undefined
  let count = 0
  for (let i = 0; i < batch.length; i++) {
    const own = batch.headers(i)
    if (own.length === 0) continue
    const carried = carriedBy(own)
    if (carried === undefined) continue
    headers ??= new Array<Headers | undefined>(batch.length)
    headers[i] = carried
    count++
  }
  return headers && { headers, all: count === batch.length }
}

/** The different traces of records, at most so many. */
function contextsIn({ headers }: Carried, limit: number): SpanContext[] {
  const found = new Map<string, SpanContext>()
  let last: Uint8Array | undefined
  for (const own of headers) {
    if (found.size >= limit) break
    const bytes = own === undefined ? undefined : traceparentOf(own)
    // Records that were written together often carry the same.
    if (bytes === undefined || (last !== undefined && Buffer.compare(bytes, last) === 0)) continue
    last = bytes
    const parsed = spanContextIn(own as Headers)
    if (parsed !== undefined) found.set(`${parsed.traceId}-${parsed.spanId}`, parsed)
  }
  return [...found.values()]
}

interface Followed {
  readonly carried: Carried | undefined
  readonly span: Span | undefined
  readonly outputs: ResolvedTracingOptions['outputs']
  readonly checkpoints: CheckpointHook | undefined
}

class FollowedPass implements PassTrace {
  readonly #followed: Followed
  /** The headers by which the span goes on. */
  readonly #ofSpan: Headers | undefined
  readonly #checkpoints = new Map<string, Headers>()
  /** Of a checkpoint: told when the pass is over, which must not fail for it. */
  #failed: { readonly error: unknown } | undefined
  readonly headersOf: PassTrace['headersOf']

  constructor(followed: Followed) {
    const { span } = followed
    const spanContext = span?.spanContext()
    this.#followed = followed
    const { carried, outputs, checkpoints } = followed
    const isGoingOn = spanContext !== undefined && outputs !== 'record' && isSpanContextValid(spanContext)
    this.#ofSpan = isGoingOn ? headersOfSpan(spanContext) : undefined
    // Asked for each record: where nothing would be added, it is not.
    const adds = carried !== undefined || this.#ofSpan !== undefined || checkpoints?.produced !== undefined
    this.headersOf = adds ? this.#headersOf : undefined
  }

  /** What processors start belongs to the span. */
  readonly within = <T>(work: () => T): T => {
    const { span } = this.#followed
    return span === undefined ? work() : context.with(trace.setSpan(ROOT_CONTEXT, span), work)
  }

  readonly #headersOf = (topic: string, own: Headers | undefined, row: number): Headers | undefined => {
    const checkpoint = this.#checkpoint(topic)
    const traced = this.#traced(own, row)
    return checkpoint.length === 0 ? traced : [...(traced ?? []), ...checkpoint]
  }

  readonly ended = (event: PassEndedEvent): void => {
    const { span } = this.#followed
    if (span !== undefined) end(span, event)
    if (this.#failed !== undefined) throw this.#failed.error
  }

  #traced(own: Headers | undefined, row: number): Headers | undefined {
    const { carried, outputs } = this.#followed
    const ofSpan = this.#ofSpan
    if (outputs === 'span' && ofSpan !== undefined) {
      const baggage = baggageIn(own) === undefined ? baggageIn(carried?.headers[row]) : undefined
      if (own === undefined && baggage === undefined) return ofSpan
      return [...withoutTrace(own ?? NONE), ...(baggage ?? NONE), ...ofSpan]
    }
    if (hasTrace(own)) return own
    const added = carried?.headers[row] ?? ofSpan
    if (added === undefined) return own
    return own === undefined || own.length === 0 ? added : [...own, ...added]
  }

  #checkpoint(topic: string): Headers {
    const produced = this.#followed.checkpoints?.produced
    if (produced === undefined) return NONE
    let headers = this.#checkpoints.get(topic)
    if (headers === undefined) {
      headers = this.#added(produced, topic)
      this.#checkpoints.set(topic, headers)
    }
    return headers
  }

  #added(produced: NonNullable<CheckpointHook['produced']>, topic: string): Headers {
    const carrier: Record<string, string | Uint8Array> = {}
    try {
      produced({ topic }, carrier)
    } catch (error) {
      this.#failed ??= { error }
      return NONE
    }
    return Object.entries(carrier).map(([key, value]) => ({ key, value: typeof value === 'string' ? Buffer.from(value) : value }))
  }
}

const NONE: Headers = Object.freeze([])

function end(span: Span, event: PassEndedEvent): void {
  span.setAttributes({ 'millrace.outcome': event.outcome, 'millrace.records.given_up': event.givenUp, 'millrace.retries': event.retries })
  if (event.outcome === 'failed') {
    const { error } = event
    span.setAttribute('error.type', errorTypeOf(error))
    span.recordException(error instanceof Error ? error : String(error))
    span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) })
  }
  span.end()
}

/** As semantic conventions have it: of few values, and the same for the same reason. */
function errorTypeOf(error: unknown): string {
  const { code } = (error ?? {}) as { readonly code?: unknown }
  if (typeof code === 'string' && code !== '') return code
  return error instanceof Error ? error.name : '_OTHER'
}
