/**
 * Metrics, health, HTTP endpoints and a dashboard for an application.
 *
 * @packageDocumentation
 */
export {
  type CompatibleNames,
  type HttpOptions,
  type NotReady,
  observed,
  type ObservedApp,
  type ReadinessReport,
  Telemetry,
  type TelemetryOptions,
} from '@millrace/telemetry'
