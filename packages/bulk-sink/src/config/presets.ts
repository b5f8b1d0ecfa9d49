import type { TableOptions, TablePreset } from './table-options.ts'

const MEGABYTE = 1_048_576

/** What each preset stands for. */
export const TABLE_PRESETS: Readonly<Record<TablePreset, TableOptions>> = Object.freeze({
  events: { strategy: 'hybrid', batchSize: 1_000, batchTimeMs: 2_000, batchBytes: 10 * MEGABYTE, priority: 3, compression: true },
  payments: { strategy: 'immediate', priority: 1, retries: 5 },
  triage: { strategy: 'immediate', priority: 1 },
  telemetry: { strategy: 'time', batchSize: 100, batchTimeMs: 5_000, priority: 2 },
  'event-store': { strategy: 'hybrid', batchSize: 500, batchTimeMs: 3_000, compression: true },
  background: { strategy: 'size', priority: 10 },
})
