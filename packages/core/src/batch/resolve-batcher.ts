import type { ResolvedFailureOptions, FailureOptions } from '../failure/failure-options.ts'
import { failureProblems } from '../failure/failure-problems.ts'
import { resolveFailureOptions } from '../failure/resolve-failure-options.ts'
import { definedOnly } from '../internal/defined-only.ts'
import { describeValue } from '../internal/describe-value.ts'
import { type Either, left, right } from '../internal/fp.ts'
import { isObject } from '../internal/is-object.ts'
import { numberProblem } from '../internal/number-problem.ts'
import { namesOf, unknownNames } from '../internal/unknown-names.ts'
import type { Clock } from '../observe/clock.ts'
import type { Logger } from '../observe/logger.ts'
import type { Observer } from '../observe/observer.ts'
import type { BatchOptions } from './batch-options.ts'
import { batchOptionsProblems, batchPolicyProblems } from './batch-options-problems.ts'
import type { BatchPolicy } from './batch-policy.ts'
import type { MemoryBudget } from './memory-budget.ts'
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

/** What a batcher is to do, and with what, besides when it cuts. */
export interface BatcherSettings extends Pick<FailureOptions, 'acknowledgement' | 'retry'> {
  /** Not empty. Default: `batcher`. */
  readonly name?: string | undefined
  /** A function of an item that returns its serialised bytes. Default: 0 for each. */
  readonly sizeOf?: unknown
  /** How many batches' worth of items may wait before `append` does. Default: 3. */
  readonly maxInFlightBatches?: number | undefined
  /** Default: its own, without a limit. */
  readonly memory?: MemoryBudget | undefined
  /** A function of an item that failed for good. Default: `fail`. */
  readonly giveUp?: unknown
  /** Default: none. */
  readonly observer?: Observer | undefined
  /** Default: says nothing. */
  readonly logger?: Logger | undefined
  /** Default: the system's. */
  readonly clock?: Clock | undefined
}

const NAMES = namesOf<BatcherSettings>({
  name: true,
  sizeOf: true,
  maxInFlightBatches: true,
  memory: true,
  acknowledgement: true,
  retry: true,
  giveUp: true,
  observer: true,
  logger: true,
  clock: true,
})

/** What follows of policy and settings, with every default. */
export interface ResolvedBatcher {
  readonly batching: BatcherBatching
  readonly failure: ResolvedFailureOptions
  /** How many batches' worth of items may wait before `append` does. */
  readonly maxInFlightBatches: number
}

/** Fills in every default of a batcher, or lists everything that is wrong. */
export function resolveBatcher(policy: BatchOptions, settings: BatcherSettings): Either<readonly string[], ResolvedBatcher> {
  const { acknowledgement, retry, maxInFlightBatches = 3 } = settings
  const problems = [...policyProblems(policy), ...settingsProblems(settings)]
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

function settingsProblems(settings: BatcherSettings): string[] {
  if (!isObject(settings)) return [`options is ${describeValue(settings)}; use an object.`]
  const { acknowledgement, retry, maxInFlightBatches = 3, name, sizeOf, memory, giveUp, observer, logger, clock } = settings
  const problems = failureProblems('options', { acknowledgement, retry })
  const wrong = (option: string, value: unknown, instead: string) =>
    problems.push(`options.${option} is ${describeValue(value)}; ${instead}.`)
  const inFlight = numberProblem('options.maxInFlightBatches', maxInFlightBatches, { min: 1 })
  if (inFlight !== undefined) problems.push(inFlight)
  if (name !== undefined && (typeof name !== 'string' || name === '')) wrong('name', name, 'use a text')
  if (sizeOf !== undefined && typeof sizeOf !== 'function')
    wrong('sizeOf', sizeOf, 'use a function of an item that returns its serialised bytes')
  if (memory !== undefined && typeof memory?.onChange !== 'function') wrong('memory', memory, 'use a MemoryBudget')
  if (giveUp !== undefined && typeof giveUp !== 'function') wrong('giveUp', giveUp, `use a function that returns 'fail' or 'skip'`)
  if (observer !== undefined && typeof observer !== 'function') wrong('observer', observer, 'use a function that takes an event')
  if (logger !== undefined && typeof logger?.warn !== 'function') wrong('logger', logger, 'use one of pino, or silentLogger')
  if (clock !== undefined && typeof clock?.now !== 'function') wrong('clock', clock, 'leave it out to use the system clock')
  return [...problems, ...unknownNames((option) => `options.${option}`, settings, NAMES)]
}
