/**
 * Metrics, health, HTTP endpoints and a dashboard for an application.
 *
 * @packageDocumentation
 */
export {
  type BatchFailed,
  type BatchStart,
  type BatchStop,
  type CheckpointHook,
  type CompatibleNames,
  type ConsumedBatch,
  type HttpOptions,
  type LogOptions,
  type NotReady,
  observed,
  type ObservedApp,
  type ReadinessReport,
  Telemetry,
  type TelemetryOptions,
  type TracingOptions,
} from '@millrace/telemetry'
