import { namesOf } from '../internal/unknown-names.ts'
import type { AppDefinition, BufferOptions, CommitOptions, ConcurrencyOptions, HotStandbyOptions, StateOptions } from './app-definition.ts'

/** What an application may be defined by. */
export const DEFINITION_NAMES = namesOf<AppDefinition>({
  topology: true,
  applicationId: true,
  transport: true,
  stateDir: true,
  state: true,
  hotStandby: true,
  threads: true,
  processingGuarantee: true,
  transactionTimeoutMs: true,
  batch: true,
  failure: true,
  commit: true,
  buffer: true,
  concurrency: true,
  stateCacheBytes: true,
  revokeTimeoutMs: true,
  maxTaskIdleMs: true,
  handleSignals: true,
  logger: true,
  observer: true,
  tracer: true,
  advertisedAddress: true,
  clock: true,
  repartitionPurgeIntervalMs: true,
  replicationFactor: true,
})

export const COMMIT_NAMES = namesOf<CommitOptions>({ intervalMs: true, records: true, maxUncommittedBytes: true })
export const BUFFER_NAMES = namesOf<BufferOptions>({ maxRecords: true, maxBytes: true, maxOutputBytes: true })
export const CONCURRENCY_NAMES = namesOf<ConcurrencyOptions>({ maxConcurrency: true, asyncBatch: true, maxInFlightBatches: true })
export const HOT_STANDBY_NAMES = namesOf<HotStandbyOptions>({ replicas: true })
export const STATE_NAMES = namesOf<StateOptions>({ cleanupDelayMs: true })
