/**
 * Telemetry for Millrace: metrics, traces, logs, health, HTTP endpoints, a dashboard.
 *
 * @packageDocumentation
 */
export type { BatchFailed, BatchStart, BatchStop } from './diagnostics.ts'
export type { NotReady, ReadinessReport } from './health/readiness.ts'
export type { HttpOptions } from './http/http-options.ts'
export type { LogOptions } from './logs/batch-log.ts'
export type { CompatibleNames } from './metrics/compatible.ts'
export type { ObservedApp } from './observed-app.ts'
export { observed, Telemetry } from './telemetry.ts'
export type { TelemetryOptions } from './telemetry-options.ts'
export type { CheckpointHook, ConsumedBatch, TracingOptions } from './trace/tracing-options.ts'
