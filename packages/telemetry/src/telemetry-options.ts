import type { Meter } from '@opentelemetry/api'
import type { Registry, RegistryContentType } from 'prom-client'
import { type HttpOptions, resolveHttp, type ResolvedHttpOptions } from './http/http-options.ts'
import type { LogOptions } from './logs/batch-log.ts'
import type { CompatibleNames } from './metrics/compatible.ts'
import { type CheckpointHook, resolveTracing, type ResolvedTracingOptions, type TracingOptions } from './trace/tracing-options.ts'

/** What telemetry does. */
export interface TelemetryOptions {
  /** Where metrics are registered. Default: a registry of its own. */
  readonly registry?: Registry<RegistryContentType> | undefined
  /** Node's own metrics (memory, CPU, garbage collection) beside ours, by prom-client. Default: false. */
  readonly nodeMetrics?: boolean | undefined
  /** The names that teams coming from other systems look for, besides ours. Default: false. */
  readonly compatibleNames?: boolean | CompatibleNames | undefined
  /** How often, at most, brokers are asked for lag and stores for their sizes, while somebody reads metrics; in milliseconds. Default: 5,000. */
  readonly sampleEveryMs?: number | undefined
  /** After how long without progress a task counts as stuck, in milliseconds. Default: 60,000. */
  readonly stuckAfterMs?: number | undefined
  /** Metrics through an OpenTelemetry meter as well: `true` for that of the global provider, called `millrace`, or one of yours. Default: false. */
  readonly meter?: boolean | Meter | undefined
  /** A span a batch, and traces of records passed on. Default: false. */
  readonly tracing?: boolean | TracingOptions | undefined
  /** Called for each batch that is read or written, for monitors of data streams. Default: none. */
  readonly checkpoints?: CheckpointHook | undefined
  /** Summaries and failures of batches in the log. Default: true. */
  readonly logs?: boolean | LogOptions | undefined
  /** The HTTP server. Default: false, there is none. */
  readonly http?: false | HttpOptions | undefined
}

export interface ResolvedTelemetryOptions {
  readonly registry: Registry<RegistryContentType> | undefined
  readonly nodeMetrics: boolean
  /** The prefix; undefined: without them. */
  readonly compatible: string | undefined
  readonly sampleEveryMs: number
  readonly stuckAfterMs: number
  readonly meter: boolean | Meter
  readonly tracing: ResolvedTracingOptions | undefined
  readonly checkpoints: CheckpointHook | undefined
  readonly logs: LogOptions | undefined
  readonly http: ResolvedHttpOptions | undefined
}

const NAMES: readonly (keyof TelemetryOptions)[] = [
  'registry',
  'nodeMetrics',
  'compatibleNames',
  'sampleEveryMs',
  'stuckAfterMs',
  'meter',
  'tracing',
  'checkpoints',
  'logs',
  'http',
]

/** Fills in every default. Throws a `TypeError` that lists everything that is wrong. */
export function resolveTelemetry(options: TelemetryOptions): ResolvedTelemetryOptions {
  const problems: string[] = []
  const { registry, nodeMetrics = false, compatibleNames = false, sampleEveryMs = 5_000, stuckAfterMs = 60_000, http = false } = options
  const { meter = false, tracing = false, checkpoints, logs = true } = options
  for (const name of Object.keys(options))
    if (!NAMES.includes(name as keyof TelemetryOptions)) problems.push(`${name} is no option; there are ${NAMES.join(', ')}.`)
  if (registry !== undefined && typeof registry.registerMetric !== 'function') problems.push('registry is no registry of prom-client.')
  if (typeof nodeMetrics !== 'boolean') problems.push(`nodeMetrics is ${String(nodeMetrics)}; use true or false.`)
  for (const [name, value] of Object.entries({ sampleEveryMs, stuckAfterMs }))
    if (!(value >= 1 && value < Infinity)) problems.push(`${name} is ${String(value)}; use a number of milliseconds from 1 up.`)
  const compatible = prefixOf(compatibleNames, problems)
  const resolvedHttp = http === false ? undefined : resolveHttp(http, problems)
  const resolvedTracing = tracing === false ? undefined : resolveTracing(tracing === true ? {} : tracing, problems)
  if (typeof meter !== 'boolean' && typeof meter.createHistogram !== 'function') problems.push('meter is no meter of OpenTelemetry.')
  const resolvedLogs = logs === false ? undefined : logs === true ? {} : logs
  const { summaryEveryMs = 10_000 } = resolvedLogs ?? {}
  for (const name of Object.keys(resolvedLogs ?? {}))
    if (!['logger', 'summaryEveryMs'].includes(name)) problems.push(`logs.${name} is no option; there are logger, summaryEveryMs.`)
  if (!(summaryEveryMs >= 0)) problems.push(`logs.summaryEveryMs is ${String(summaryEveryMs)}; use a number of milliseconds from 0 up.`)
  if (problems.length > 0) throw new TypeError(`Telemetry can't be opened:\n- ${problems.join('\n- ')}`)
  return {
    ...{ registry, nodeMetrics, compatible, sampleEveryMs, stuckAfterMs, meter, checkpoints },
    tracing: resolvedTracing,
    logs: resolvedLogs,
    http: resolvedHttp,
  }
}

function prefixOf(names: boolean | CompatibleNames, problems: string[]): string | undefined {
  if (names === false) return undefined
  const { prefix = '' } = names === true ? {} : names
  if (typeof prefix !== 'string' || !/^([a-zA-Z_][\w.]{0,100})?$/.test(prefix))
    problems.push(`compatibleNames.prefix is ${String(prefix)}; use letters, digits, '.' and '_', a letter first.`)
  return prefix
}
