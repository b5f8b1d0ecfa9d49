import { type BatchPolicy, DEFAULT_BATCH_POLICY } from '@millrace/core'
import type { ResolvedTable } from './table-options.ts'

const MEGABYTE = 1_048_576
/** Of a table's memory, before it is inserted by the strategy `memory`, and by any: what comes meanwhile needs room, too. */
const MEMORY_SHARE = 0.5

/** When batches of a table are cut, in the terms of the one cutter. */
export function tablePolicy(table: ResolvedTable, adapts: boolean): BatchPolicy {
  const { strategy, batchSize, batchTimeMs, batchBytes, maxWaitMs, targetLatencyMs, retries, maxMemoryMb } = table
  const most = { size: Infinity, maxBytes: Infinity, maxMemoryBytes: maxMemoryMb * MEGABYTE * MEMORY_SHARE, waitWhenIdle: true }
  const base = {
    ...DEFAULT_BATCH_POLICY,
    ...most,
    timeoutMs: batchTimeMs,
    targetLatencyMs,
    maxRetries: retries,
    minSize: 1,
    maxSize: batchSize,
  }
  const adaptive = adapts && (strategy === 'hybrid' || strategy === 'time' || strategy === 'size')
  switch (strategy) {
    case 'immediate':
      return { ...base, size: batchSize, maxBytes: batchBytes, timeoutMs: 0 }
    case 'size':
      return { ...base, size: batchSize, timeoutMs: maxWaitMs, adaptive }
    case 'time':
      return { ...base, size: batchSize, adaptive }
    case 'bytes':
      return { ...base, maxBytes: batchBytes, timeoutMs: maxWaitMs }
    case 'memory':
      return { ...base, timeoutMs: maxWaitMs }
    case 'hybrid':
      return { ...base, size: batchSize, maxBytes: batchBytes, adaptive }
    case 'adaptive':
      return { ...base, size: batchSize, maxBytes: batchBytes, adaptive: true }
  }
}
