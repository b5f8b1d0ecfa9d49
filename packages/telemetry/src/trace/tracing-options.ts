import type { Headers } from '@millrace/core'
import type { Tracer } from '@opentelemetry/api'

/** How traces are followed. */
export interface TracingOptions {
  /** Default: that of OpenTelemetry's global provider, called `millrace`. */
  readonly tracer?: Tracer | undefined
  /** Spans a second, at most; other batches have none, and pass on the traces of their records all the same. `Infinity`: one for each. Default: 10. */
  readonly maxSpansPerSecond?: number | undefined
  /** Links of a span, at most. Default: 128. */
  readonly maxLinks?: number | undefined
  /**
   * Which trace what is written belongs to: `record`, that of the record it comes from, if that is in one; `span`, that of the batch, where that has a span;
   * `record-or-span`, the first, else the second. A header more for each record costs what it costs. Default: `record`.
   */
  readonly outputs?: 'record' | 'span' | 'record-or-span' | undefined
}

/** Where monitors of data streams, such as Datadog's, set their checkpoints. Both are called on the engine's thread: be quick. */
export interface CheckpointHook {
  /** A batch was read. `headersOf(i)` are those of its record `i`. */
  readonly consumed?: ((batch: ConsumedBatch) => void) | undefined
  /** A batch is about to be written to a topic: what `carrier` is given is added to the headers of all its records. */
  readonly produced?: ((batch: { readonly topic: string }, carrier: Record<string, string | Uint8Array>) => void) | undefined
}

/** A batch as a checkpoint sees it. */
export interface ConsumedBatch {
  readonly topic: string
  readonly partition: number
  /** The consumer group. */
  readonly group: string
  readonly length: number
  /** The headers of one of its records, by its place in the batch. */
  readonly headersOf: (index: number) => Headers
}

export interface ResolvedTracingOptions {
  readonly tracer: Tracer | undefined
  readonly maxSpansPerSecond: number
  readonly maxLinks: number
  readonly outputs: 'record' | 'span' | 'record-or-span'
}

const NAMES: readonly (keyof TracingOptions)[] = ['tracer', 'maxSpansPerSecond', 'maxLinks', 'outputs']

/** With every default; what is wrong is added to `problems`. */
export function resolveTracing(options: TracingOptions, problems: string[]): ResolvedTracingOptions {
  const { tracer, maxSpansPerSecond = 10, maxLinks = 128, outputs = 'record' } = options
  for (const name of Object.keys(options))
    if (!NAMES.includes(name as keyof TracingOptions)) problems.push(`tracing.${name} is no option; there are ${NAMES.join(', ')}.`)
  if (tracer !== undefined && typeof tracer.startSpan !== 'function') problems.push('tracing.tracer is no tracer of OpenTelemetry.')
  if (!(maxSpansPerSecond >= 0)) problems.push(`tracing.maxSpansPerSecond is ${String(maxSpansPerSecond)}; use a number from 0 up.`)
  if (!Number.isInteger(maxLinks) || maxLinks < 0) problems.push(`tracing.maxLinks is ${String(maxLinks)}; use a whole number from 0 up.`)
  if (!['record', 'span', 'record-or-span'].includes(outputs))
    problems.push(`tracing.outputs is ${String(outputs)}; use 'record', 'span' or 'record-or-span'.`)
  return { tracer, maxSpansPerSecond, maxLinks, outputs }
}
