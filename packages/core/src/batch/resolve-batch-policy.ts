import { definedOnly } from '../internal/defined-only.ts'
import type { BatchOptions, BatchStrategy } from './batch-options.ts'
import { type BatchPolicy, DEFAULT_BATCH_POLICY } from './batch-policy.ts'
import { BATCH_PRESETS } from './batch-presets.ts'

type Limit = 'size' | 'timeoutMs' | 'maxBytes'

/** The options that are limits: a strategy decides which of them hold. */
export const LIMITS: readonly Limit[] = ['size', 'timeoutMs', 'maxBytes']

/** The limits that each strategy brings along. */
const IN_FORCE: Readonly<Record<BatchStrategy, readonly Limit[]>> = {
  immediate: ['size'],
  size: ['size'],
  time: ['timeoutMs'],
  bytes: ['maxBytes'],
  hybrid: LIMITS,
  memory: [],
  adaptive: LIMITS,
}

/**
 * The policy that follows from layers of options, the weakest first. A strategy decides which limits hold, and those that are given beside it or in
 * stronger layers hold too; limits of weaker layers, presets and defaults give values to those that hold. Pure.
 */
export function resolveBatchPolicy(layers: readonly BatchOptions[]): BatchPolicy {
  const values: { -readonly [Name in keyof BatchPolicy]?: BatchPolicy[Name] } = {}
  let strategy = DEFAULT_BATCH_POLICY.strategy
  let given: Partial<Record<Limit, number>> = {}
  for (const layer of layers) {
    if (layer.strategy !== undefined) {
      strategy = layer.strategy
      given = {}
      if (strategy === 'adaptive') delete values.adaptive
    }
    if (layer.preset !== undefined) Object.assign(values, BATCH_PRESETS[layer.preset])
    const own = definedOnly(layer)
    Object.assign(values, own)
    for (const limit of LIMITS) if (own[limit] !== undefined) given[limit] = own[limit]
  }
  const { size, timeoutMs, maxBytes, maxMemoryBytes, waitWhenIdle, targetLatencyMs, minSize, maxSize, maxRetries } = {
    ...DEFAULT_BATCH_POLICY,
    ...values,
  }
  const adaptive = values.adaptive ?? strategy === 'adaptive'
  const holds = (limit: Limit) => given[limit] !== undefined || IN_FORCE[strategy].includes(limit)
  const fixedSize = strategy === 'immediate' ? (given.size ?? 1) : holds('size') ? size : Infinity
  return Object.freeze({
    strategy,
    size: adaptive ? Math.min(given.size ?? Infinity, maxSize) : fixedSize,
    timeoutMs: holds('timeoutMs') ? timeoutMs : Infinity,
    maxBytes: holds('maxBytes') ? maxBytes : Infinity,
    maxMemoryBytes,
    waitWhenIdle: values.waitWhenIdle === undefined ? strategy !== 'immediate' && strategy !== 'adaptive' : waitWhenIdle,
    adaptive,
    targetLatencyMs,
    minSize,
    maxSize,
    maxRetries,
  })
}
