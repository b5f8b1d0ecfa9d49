import type { ResolvedFailureOptions, FailureOptions } from '../failure/failure-options.ts'
import { failureProblems } from '../failure/failure-problems.ts'
import { resolveFailureOptions } from '../failure/resolve-failure-options.ts'
import { describeValue } from '../internal/describe-value.ts'
import { type Either, left, right } from '../internal/fp.ts'
import { isObject } from '../internal/is-object.ts'
import { numberProblem } from '../internal/number-problem.ts'
import type { BatchOptions } from './batch-options.ts'
import { batchOptionsProblems, batchPolicyProblems } from './batch-options-problems.ts'
import type { BatchPolicy } from './batch-policy.ts'
import { resolveBatchPolicy } from './resolve-batch-policy.ts'

/** What a batcher is to do, besides when it cuts. */
export interface BatcherLimits extends Pick<FailureOptions, 'acknowledgement' | 'retry'> {
  /** How many batches' worth of items may wait before `append` does. Default: 3. */
  readonly maxInFlightBatches?: number | undefined
}

/** The same with every default. */
export interface ResolvedBatcher {
  readonly policy: BatchPolicy
  readonly failure: ResolvedFailureOptions
  /** How many batches' worth of items may wait before `append` does. */
  readonly maxInFlightBatches: number
}

/** Fills in every default of a batcher, or lists everything that is wrong. `layers`: of batch options, the weakest first. */
export function resolveBatcher(layers: readonly BatchOptions[], limits: BatcherLimits): Either<readonly string[], ResolvedBatcher> {
  const { acknowledgement, retry, maxInFlightBatches = 3 } = limits
  const problems = [
    ...layers.flatMap(layerProblems),
    ...failureProblems('options', { acknowledgement, retry }),
    numberProblem('options.maxInFlightBatches', maxInFlightBatches, { min: 1 }),
  ].filter((problem) => problem !== undefined)
  if (problems.length > 0) return left(problems)
  const policy = resolveBatchPolicy(layers)
  const contradictions = batchPolicyProblems(policy)
  if (contradictions.length > 0) return left(contradictions)
  return right({ policy, failure: resolveFailureOptions({ acknowledgement, retry }), maxInFlightBatches })
}

function layerProblems(options: BatchOptions): string[] {
  if (!isObject(options)) return [`policy is ${describeValue(options)}; use batch options, such as { size: 100 }.`]
  return batchOptionsProblems((option) => `policy.${option}`, options)
}
