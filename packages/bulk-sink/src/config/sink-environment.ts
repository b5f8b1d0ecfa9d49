import { type Environment, environmentValues } from '@millrace/core'
import type { SinkSettings } from './sink-options.ts'

const VARIABLES = {
  enabled: 'BULK_SINK_ENABLED',
  adaptiveOptimization: 'BULK_SINK_ADAPTIVE_OPTIMIZATION',
  defaultBatchSize: 'BULK_SINK_DEFAULT_BATCH_SIZE',
  defaultBatchTimeMs: 'BULK_SINK_DEFAULT_BATCH_TIME_MS',
  maxMemoryMb: 'BULK_SINK_MAX_MEMORY_MB',
  maxConcurrentInserts: 'BULK_SINK_MAX_CONCURRENT_INSERTS',
  directFallback: 'BULK_SINK_DIRECT_FALLBACK',
  insertTimeoutMs: 'BULK_SINK_INSERT_TIMEOUT_MS',
  closeTimeoutMs: 'BULK_SINK_CLOSE_TIMEOUT_MS',
} as const satisfies Readonly<Record<Exclude<keyof SinkSettings, 'tables'>, string>>

/** The settings that variables hold. What is no value of its setting stays as it is, to be found with all problems. */
export function sinkEnvironment(environment: Environment): SinkSettings {
  const values = Object.entries(environmentValues(environment, VARIABLES))
  return Object.fromEntries(values.map(([name, value]) => [name, value === 'true' ? true : value === 'false' ? false : value]))
}

/** What a problem of such a setting is called by: the variable's name. */
export function variableOf(setting: string): string {
  return VARIABLES[setting as keyof typeof VARIABLES] ?? setting
}
