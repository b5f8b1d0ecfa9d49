import { definedOnly } from '../internal/defined-only.ts'
import type { BatchOptions } from './batch-options.ts'
import { LIMITS } from './resolve-batch-policy.ts'

/**
 * What holds of the changes `before` with one that comes later. One that names a strategy or a preset begins anew: limits of earlier changes no longer
 * hold.
 */
export function laterChange<T extends BatchOptions>(before: T, change: T): T {
  const kept: { -readonly [Name in keyof BatchOptions]: BatchOptions[Name] } = { ...before }
  if (change.strategy !== undefined || change.preset !== undefined) for (const limit of LIMITS) delete kept[limit]
  if (change.strategy !== undefined) delete kept.adaptive
  if (change.preset !== undefined) delete kept.maxRetries
  return Object.freeze({ ...(kept as T), ...definedOnly(change) })
}
