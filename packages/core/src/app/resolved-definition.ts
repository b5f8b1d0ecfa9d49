import type { BatchSettings } from '../batch/batch-settings.ts'
import type { ProcessingGuarantee } from '../commit/processing-guarantee.ts'
import type { ResolvedFailureOptions } from '../failure/failure-options.ts'
import type { Clock } from '../observe/clock.ts'
import type { Logger } from '../observe/logger.ts'
import type { Observer } from '../observe/observer.ts'
import type { PassTracer } from '../observe/pass-tracer.ts'
import type { Topology } from '../topology/topology.ts'
import type { HotStandbyOptions } from './app-definition.ts'
import type { Transport } from '../transport/transport.ts'
import type { ResolvedThreads } from './thread-options.ts'

/** An {@link AppDefinition} that was found good, with every default filled in. Units as there. */
export interface ResolvedDefinition {
  readonly topology: Topology
  readonly applicationId: string
  readonly transport: Transport
  readonly stateDir: string
  readonly state: { readonly cleanupDelayMs: number }
  /** Replicas: `Infinity` where every process follows all tasks. */
  readonly hotStandby: false | HotStandbyOptions
  readonly threads: ResolvedThreads
  readonly processingGuarantee: ProcessingGuarantee
  readonly transactionTimeoutMs: number
  readonly batch: BatchSettings
  readonly failure: ResolvedFailureOptions
  readonly commit: { readonly intervalMs: number; readonly records: number; readonly maxUncommittedBytes: number }
  readonly buffer: { readonly maxRecords: number; readonly maxBytes: number; readonly maxOutputBytes: number }
  readonly concurrency: { readonly maxConcurrency: number; readonly asyncBatch: boolean; readonly maxInFlightBatches: number }
  readonly stateCacheBytes: number
  readonly revokeTimeoutMs: number
  readonly maxTaskIdleMs: number
  readonly handleSignals: boolean
  readonly logger: Logger | undefined
  readonly observer: Observer | undefined
  readonly tracer: PassTracer | undefined
  readonly advertisedAddress: string | (() => string | undefined) | undefined
  readonly clock: Clock | undefined
  readonly repartitionPurgeIntervalMs: number
  readonly replicationFactor: number | undefined
}
