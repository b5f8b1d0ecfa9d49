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
 * stronger layers hold too; limits of weaker layers, presets and defaults give values to those that hold. A preset counts for less than what is given in
 * its layer, and for more than weaker ones. Pure.
 */
export function resolveBatchPolicy(layers: readonly BatchOptions[]): BatchPolicy {
  const values: { -readonly [Name in keyof BatchPolicy]?: BatchPolicy[Name] } = {}
  let strategy = DEFAULT_BATCH_POLICY.strategy
  const given = new Set<Limit>()
  for (const layer of layers) {
    if (layer.strategy !== undefined) {
      strategy = layer.strategy
      given.clear()
      if (strategy === 'adaptive') delete values.adaptive
    }
    if (layer.preset !== undefined) Object.assign(values, BATCH_PRESETS[layer.preset])
    const own = definedOnly(layer)
    Object.assign(values, own)
    for (const limit of LIMITS) if (own[limit] !== undefined) given.add(limit)
  }
  const { size, timeoutMs, maxBytes, maxMemoryBytes, waitWhenIdle, targetLatencyMs, minSize, maxSize, maxRetries } = {
    ...DEFAULT_BATCH_POLICY,
    ...values,
  }
  const adaptive = values.adaptive ?? strategy === 'adaptive'
  const holds = (limit: Limit) => given.has(limit) || IN_FORCE[strategy].includes(limit)
  const givenSize = given.has('size') ? size : undefined
  const fixedSize = strategy === 'immediate' ? (givenSize ?? 1) : holds('size') ? size : Infinity
  return Object.freeze({
    strategy,
    size: adaptive ? Math.min(givenSize ?? Infinity, maxSize) : fixedSize,
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
