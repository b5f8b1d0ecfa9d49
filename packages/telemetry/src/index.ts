/**
 * Telemetry for Millrace: metrics, health, HTTP endpoints.
 *
 * @packageDocumentation
 */
export type { NotReady, ReadinessReport } from './health/readiness.ts'
export type { HttpOptions } from './http/http-options.ts'
export type { CompatibleNames } from './metrics/compatible.ts'
export type { ObservedApp } from './observed-app.ts'
export { observed, Telemetry } from './telemetry.ts'
export type { TelemetryOptions } from './telemetry-options.ts'
