import type { Header, Headers } from '@millrace/core'
import { createTraceState, type SpanContext, TraceFlags } from '@opentelemetry/api'

/** The headers by which a trace goes on (W3C). */
const BAGGAGE = 'baggage'
const NAMES: ReadonlySet<string> = new Set(['traceparent', 'tracestate', BAGGAGE])
/** `00-` 32 digits `-` 16 digits `-` 2 digits; later versions may be longer. */
const LENGTH = 55
const DASH = 0x2d

/** Those of a record's headers that carry its trace; undefined if it is in none. */
export function carriedBy(headers: Headers): Headers | undefined {
  if (!headers.some(isTraceparent)) return undefined
  return headers.length === 1 ? headers : headers.filter(({ key }) => NAMES.has(key))
}

/** Whether these headers say which trace they belong to. */
export function hasTrace(headers: Headers | undefined): boolean {
  return headers?.some(isTraceparent) === true
}

/** The headers without those that name a trace: baggage is whose it was, whichever trace it goes on in. */
export function withoutTrace(headers: Headers): Headers {
  return headers.filter(({ key }) => !NAMES.has(key) || key === BAGGAGE)
}

/** The baggage among these headers; undefined if there is none. */
export function baggageIn(headers: Headers | undefined): Headers | undefined {
  return headers?.some(isBaggage) === true ? headers.filter(isBaggage) : undefined
}

/** Where these headers say that their record's trace is; undefined for none, or one that is malformed. */
export function spanContextIn(headers: Headers): SpanContext | undefined {
  const traceparent = traceparentOf(headers)
  const parsed = traceparent && parseTraceparent(traceparent)
  const state = headers.find(({ key }) => key === 'tracestate')?.value
  if (parsed === undefined || state == null) return parsed
  return { ...parsed, traceState: createTraceState(Buffer.from(state).toString()) }
}

/** The bytes that tell a trace: for comparing, before anything is decoded. */
export function traceparentOf(headers: Headers): Uint8Array | undefined {
  return headers.find(isTraceparent)?.value ?? undefined
}

/** What a `traceparent` says; undefined if it is malformed. */
export function parseTraceparent(bytes: Uint8Array): SpanContext | undefined {
  const latest = bytes.length > LENGTH && (bytes[LENGTH] !== DASH || (bytes[0] === 0x30 && bytes[1] === 0x30))
  if (bytes.length < LENGTH || latest || bytes[2] !== DASH || bytes[35] !== DASH || bytes[52] !== DASH) return undefined
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, LENGTH).toString('latin1')
  const [, traceId, spanId, flags] = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/.exec(text) ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED, isRemote: true }
}

/** The headers that carry on a span. */
export function headersOfSpan({ traceId, spanId, traceFlags, traceState }: SpanContext): Headers {
  const flags = traceFlags.toString(16).padStart(2, '0')
  const headers: Header[] = [{ key: 'traceparent', value: Buffer.from(`00-${traceId}-${spanId}-${flags}`) }]
  const state = traceState?.serialize()
  if (state !== undefined && state !== '') headers.push({ key: 'tracestate', value: Buffer.from(state) })
  return headers
}

function isBaggage({ key }: Header): boolean {
  return key === BAGGAGE
}

function isTraceparent({ key, value }: Header): boolean {
  return key === 'traceparent' && value !== null && value.length >= LENGTH
}
