import type { ResolvedFailureOptions, FailureOptions } from '../failure/failure-options.ts'
import { failureProblems } from '../failure/failure-problems.ts'
import { resolveFailureOptions } from '../failure/resolve-failure-options.ts'
import { definedOnly } from '../internal/defined-only.ts'
import { describeValue } from '../internal/describe-value.ts'
import { type Either, left, right } from '../internal/fp.ts'
import { isObject } from '../internal/is-object.ts'
import { numberProblem } from '../internal/number-problem.ts'
import type { BatchOptions } from './batch-options.ts'
import { batchOptionsProblems, batchPolicyProblems } from './batch-options-problems.ts'
import type { BatchPolicy } from './batch-policy.ts'
import { laterChange } from './later-change.ts'
import { resolveBatchPolicy } from './resolve-batch-policy.ts'

/** When a batcher cuts. */
export interface BatcherBatching {
  /** When it was made. */
  readonly given: BatchOptions
  /** All that was changed since. */
  readonly changes: BatchOptions
  /** What follows. */
  readonly policy: BatchPolicy
}

/** What a batcher is to do, besides when it cuts. */
export interface BatcherLimits extends Pick<FailureOptions, 'acknowledgement' | 'retry'> {
  /** How many batches' worth of items may wait before `append` does. Default: 3. */
  readonly maxInFlightBatches?: number | undefined
}

/** The same with every default. */
export interface ResolvedBatcher {
  readonly batching: BatcherBatching
  readonly failure: ResolvedFailureOptions
  /** How many batches' worth of items may wait before `append` does. */
  readonly maxInFlightBatches: number
}

/** Fills in every default of a batcher, or lists everything that is wrong. */
export function resolveBatcher(policy: BatchOptions, limits: BatcherLimits): Either<readonly string[], ResolvedBatcher> {
  const { acknowledgement, retry, maxInFlightBatches = 3 } = limits
  const problems = [
    ...policyProblems(policy),
    ...failureProblems('options', { acknowledgement, retry }),
    numberProblem('options.maxInFlightBatches', maxInFlightBatches, { min: 1 }),
  ].filter((problem) => problem !== undefined)
  if (problems.length > 0) return left(problems)
  const batching: BatcherBatching = { given: Object.freeze(definedOnly(policy)), changes: {}, policy: resolveBatchPolicy([policy]) }
  const contradictions = batchPolicyProblems(batching.policy)
  if (contradictions.length > 0) return left(contradictions)
  return right({ batching, failure: resolveFailureOptions({ acknowledgement, retry }), maxInFlightBatches })
}

/** Batching after a change at run time, which is laid over earlier ones; or everything that is wrong. */
export function changeBatcher(
  { given, changes: before }: BatcherBatching,
  change: BatchOptions,
): Either<readonly string[], BatcherBatching> {
  const problems = policyProblems(change)
  if (problems.length > 0) return left(problems)
  const changes = laterChange(before, change)
  const policy = resolveBatchPolicy([given, changes])
  const contradictions = batchPolicyProblems(policy)
  return contradictions.length > 0 ? left(contradictions) : right({ given, changes, policy })
}

function policyProblems(options: BatchOptions): string[] {
  if (!isObject(options)) return [`policy is ${describeValue(options)}; use batch options, such as { size: 100 }.`]
  return batchOptionsProblems((option) => `policy.${option}`, options)
}
