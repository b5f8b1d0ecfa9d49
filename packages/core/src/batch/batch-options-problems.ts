import { describeValue } from '../internal/describe-value.ts'
import { isObject } from '../internal/is-object.ts'
import { numberProblem, type NumberRange } from '../internal/number-problem.ts'
import { unknownNames } from '../internal/unknown-names.ts'
import type { BatchOptions, BatchPreset, BatchStrategy, SourceBatchOptions } from './batch-options.ts'
import type { BatchPolicy } from './batch-policy.ts'
import { BATCH_PRESETS } from './batch-presets.ts'

/** What an option is called where it was given. */
export type OptionNames = (option: string) => string

const MOST = 1_000_000
const RANGES = {
  size: { min: 1, max: MOST },
  timeoutMs: { min: 0 },
  maxBytes: { min: 1 },
  maxMemoryBytes: { min: 1 },
  targetLatencyMs: { min: 1 },
  minSize: { min: 1, max: MOST },
  maxSize: { min: 1, max: MOST },
  maxRetries: { min: 0 },
} as const satisfies Record<Exclude<keyof BatchOptions, 'preset' | 'strategy' | 'waitWhenIdle' | 'adaptive'>, NumberRange>

const STRATEGIES: readonly BatchStrategy[] = ['immediate', 'size', 'time', 'bytes', 'hybrid', 'memory', 'adaptive']
const PRESETS = Object.keys(BATCH_PRESETS) as BatchPreset[]

/** The names of all batch options. */
export const BATCH_OPTIONS: readonly string[] = ['preset', 'strategy', 'waitWhenIdle', 'adaptive', ...Object.keys(RANGES)]

/** What is wrong with the options called `name`, and with those they have for single topics. `besides`: other options that they may have. */
export function sourceBatchProblems(name: string, options: SourceBatchOptions, besides: readonly string[] = []): string[] {
  if (!isObject(options)) return [`${name} is ${describeValue(options)}; use an object.`]
  const problems = batchOptionsProblems((option) => `${name}.${option}`, options, ['topics', ...besides])
  const { topics = {} } = options
  if (!isObject(topics)) return [...problems, `${name}.topics is ${describeValue(topics)}; use an object of options by topic.`]
  for (const [topic, own] of Object.entries(topics)) {
    const whose = `${name}.topics['${topic}']`
    if (isObject(own)) problems.push(...batchOptionsProblems((option) => `${whose}.${option}`, own))
    else problems.push(`${whose} is ${describeValue(own)}; use an object.`)
  }
  return problems
}

/** What is wrong with the options of one layer, one sentence each with the value and what is allowed. `besides`: other options that it may have. */
export function batchOptionsProblems(nameOf: OptionNames, options: BatchOptions, besides: readonly string[] = []): string[] {
  const problems: (string | undefined)[] = [
    choiceProblem(nameOf('preset'), options.preset, PRESETS),
    choiceProblem(nameOf('strategy'), options.strategy, STRATEGIES),
    booleanProblem(nameOf('waitWhenIdle'), options.waitWhenIdle),
    booleanProblem(nameOf('adaptive'), options.adaptive),
  ]
  for (const [option, range] of Object.entries(RANGES) as [keyof typeof RANGES, NumberRange][]) {
    if (options[option] !== undefined) problems.push(numberProblem(nameOf(option), options[option], range))
  }
  const found = problems.filter((problem) => problem !== undefined)
  const unknown = unknownNames(nameOf, options, [...BATCH_OPTIONS, ...besides])
  return [...(found.length > 0 ? found : contradictions(nameOf, options)), ...unknown]
}

/** Where options of several layers, each good by itself, contradict each other. */
export function batchPolicyProblems({ minSize, maxSize }: BatchPolicy): string[] {
  return minSize > maxSize ? [`minSize is ${minSize} and maxSize is ${maxSize}; use a minSize of at most maxSize.`] : []
}

function contradictions(nameOf: OptionNames, { strategy, size, adaptive, minSize, maxSize }: BatchOptions): string[] {
  const problems: string[] = []
  if (minSize !== undefined && maxSize !== undefined && minSize > maxSize)
    problems.push(`${nameOf('minSize')} is ${minSize} and ${nameOf('maxSize')} is ${maxSize}; use a minSize of at most maxSize.`)
  if (strategy === 'immediate' && adaptive !== true && size !== undefined && size !== 1)
    problems.push(`${nameOf('size')} is ${size}, but ${nameOf('strategy')} is 'immediate', which is a size of 1; leave one of them out.`)
  if (strategy === 'adaptive' && adaptive === false)
    problems.push(
      `${nameOf('adaptive')} is false, but ${nameOf('strategy')} is 'adaptive'; use 'hybrid', or leave ${nameOf('adaptive')} out.`,
    )
  return problems
}

function choiceProblem(name: string, value: unknown, allowed: readonly string[]): string | undefined {
  if (value === undefined || allowed.includes(value as string)) return undefined
  const names = allowed.map((choice) => `'${choice}'`)
  return `${name} is ${describeValue(value)}; use ${names.slice(0, -1).join(', ')} or ${names.at(-1)}.`
}

function booleanProblem(name: string, value: unknown): string | undefined {
  return value === undefined || typeof value === 'boolean' ? undefined : `${name} is ${describeValue(value)}; use true or false.`
}
