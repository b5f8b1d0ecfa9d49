import { describeValue } from '../internal/describe-value.ts'
import { isObject } from '../internal/is-object.ts'
import { numberProblem, realNumberProblem } from '../internal/number-problem.ts'
import { namesOf, unknownNames } from '../internal/unknown-names.ts'
import { topicNameProblems } from '../topology/problems/topic-name-problems.ts'
import {
  type CircuitBreakerOptions,
  type DeadLetterOptions,
  FAILURE_POLICIES,
  type FailureOptions,
  type RetryOptions,
} from './failure-options.ts'
import { DEFAULT_FAILURE_OPTIONS } from './resolve-failure-options.ts'

/** A little over three weeks: what a timer can wait. */
const MAX_WAIT_MS = 2_147_483_647

const FAILURE_NAMES = namesOf<FailureOptions>({
  acknowledgement: true,
  retry: true,
  decode: true,
  process: true,
  produce: true,
  deadLetter: true,
  handleDeadLetter: true,
  circuitBreaker: true,
})
const RETRY_NAMES = namesOf<RetryOptions>({ initialDelayMs: true, maxDelayMs: true, factor: true, jitter: true, nonRetryable: true })
const DEAD_LETTER_NAMES = namesOf<DeadLetterOptions>({ topic: true, headerStyle: true, maxStackBytes: true })
const CIRCUIT_BREAKER_NAMES = namesOf<CircuitBreakerOptions>({ threshold: true, window: true, minimum: true, openMs: true })

type Problems = (string | undefined)[]

/** Options under one name. */
interface Group<T> {
  readonly names: readonly string[]
  readonly problems: (name: string, options: T) => Problems
}

/** What is wrong with failure options, one sentence each. */
export function failureProblems(name: string, options: FailureOptions | undefined): string[] {
  if (options === undefined) return []
  if (!isObject(options)) return [noGroup(name, options)]
  const { acknowledgement, handleDeadLetter, circuitBreaker } = options
  const problems: Problems = [oneOf(`${name}.acknowledgement`, acknowledgement, ['all-or-nothing', 'best-effort', 'last-successful'])]
  problems.push(...group(`${name}.retry`, options.retry, { names: RETRY_NAMES, problems: retryProblems }))
  for (const stage of ['decode', 'process', 'produce'] as const) {
    if (typeof options[stage] !== 'function') problems.push(oneOf(`${name}.${stage}`, options[stage], FAILURE_POLICIES, ' or a function'))
  }
  problems.push(...group(`${name}.deadLetter`, options.deadLetter, { names: DEAD_LETTER_NAMES, problems: deadLetterProblems }))
  if (handleDeadLetter !== undefined && typeof handleDeadLetter !== 'function') {
    problems.push(`${name}.handleDeadLetter is ${describeValue(handleDeadLetter)}; use a function of a failed record and its error.`)
  }
  if (circuitBreaker !== undefined && circuitBreaker !== false) {
    const breaker = { names: CIRCUIT_BREAKER_NAMES, problems: circuitBreakerProblems }
    if (isObject(circuitBreaker)) problems.push(...group(`${name}.circuitBreaker`, circuitBreaker, breaker))
    else problems.push(`${name}.circuitBreaker is ${describeValue(circuitBreaker)}; use an object, or false for none.`)
  }
  problems.push(...unknownNames((option) => `${name}.${option}`, options, FAILURE_NAMES))
  return problems.filter((problem) => problem !== undefined)
}

function retryProblems(name: string, { initialDelayMs, maxDelayMs, factor, jitter, nonRetryable }: RetryOptions): Problems {
  const problems = [
    given(initialDelayMs, (value) => numberProblem(`${name}.initialDelayMs`, value, { min: 0, max: MAX_WAIT_MS })),
    given(maxDelayMs, (value) => numberProblem(`${name}.maxDelayMs`, value, { min: 0, max: MAX_WAIT_MS })),
    given(factor, (value) => realNumberProblem(`${name}.factor`, value, { min: 1, max: 1_000 })),
    given(jitter, (value) => realNumberProblem(`${name}.jitter`, value, { min: 0, max: 1 })),
    given(nonRetryable, (value) => classesProblem(`${name}.nonRetryable`, value)),
  ]
  const { retry } = DEFAULT_FAILURE_OPTIONS
  const [initial, longest] = [initialDelayMs ?? retry.initialDelayMs, maxDelayMs ?? retry.maxDelayMs]
  if (problems[0] === undefined && problems[1] === undefined && longest < initial) {
    problems.push(`${name}.maxDelayMs is ${longest}; use at least ${name}.initialDelayMs, which is ${initial}.`)
  }
  return problems
}

function classesProblem(name: string, classes: unknown): string | undefined {
  if (!Array.isArray(classes)) return `${name} is ${describeValue(classes)}; use an array of error classes.`
  const at = classes.findIndex((each) => typeof each !== 'function')
  return at < 0 ? undefined : `${name}[${at}] is ${describeValue(classes[at])}; use a class, such as TypeError.`
}

function deadLetterProblems(name: string, { topic, headerStyle, maxStackBytes }: DeadLetterOptions): Problems {
  return [
    ...(topic === undefined || typeof topic === 'function' ? [] : topicNameProblems(`${name}.topic`, topic)),
    oneOf(`${name}.headerStyle`, headerStyle, ['spring', 'connect', 'streams']),
    given(maxStackBytes, (value) => numberProblem(`${name}.maxStackBytes`, value, { min: 0, max: 65_536 })),
  ]
}

function circuitBreakerProblems(name: string, { threshold, window = 20, minimum, openMs }: CircuitBreakerOptions): Problems {
  const windowProblem = numberProblem(`${name}.window`, window, { min: 1, max: 10_000 })
  return [
    given(threshold, (value) =>
      typeof value === 'number' && value > 0 && value <= 1
        ? undefined
        : `${name}.threshold is ${describeValue(value)}; use a share of failed batches, above 0 and at most 1.`,
    ),
    windowProblem,
    given(minimum, (value) => numberProblem(`${name}.minimum`, value, { min: 1, max: windowProblem === undefined ? window : undefined })),
    given(openMs, (value) => numberProblem(`${name}.openMs`, value, { min: 0, max: MAX_WAIT_MS })),
  ]
}

function given<T>(value: T | undefined, problem: (value: T) => string | undefined): string | undefined {
  return value === undefined ? undefined : problem(value)
}

function oneOf(name: string, value: string | undefined, allowed: readonly string[], besides = ''): string | undefined {
  if (value === undefined || allowed.includes(value)) return undefined
  return `${name} is ${describeValue(value)}; use ${allowed.map((each) => `'${each}'`).join(', ')}${besides}.`
}

function group<T extends object>(name: string, options: T | undefined, { names, problems }: Group<T>): Problems {
  if (options === undefined) return []
  if (!isObject(options)) return [noGroup(name, options)]
  return [...problems(name, options), ...unknownNames((option) => `${name}.${option}`, options, names)]
}

function noGroup(name: string, value: unknown): string {
  return `${name} is ${describeValue(value)}; use an object.`
}
