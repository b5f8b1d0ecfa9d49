import {
  type BatchOptions,
  batchOptionsProblems,
  type BatchPolicy,
  batchPolicyProblems,
  describeValue,
  type Environment,
  environmentValues,
  numberProblem,
  resolveBatchPolicy,
  wrongOptions,
} from '@millrace/core'

/** What batches of a publisher, and the fetches of its consumers, are like. */
export interface BatchConfig {
  /** `KAFKA_BATCH_SIZE`: so many events make a flush. */
  readonly size: number
  /** `KAFKA_BATCH_TIMEOUT_MS`: how long the first one waits for company, in milliseconds. */
  readonly timeoutMs: number
  /** `KAFKA_MAX_BATCH_SIZE`: no flush has more. */
  readonly maxSize: number
  /** Consumers ask brokers for so much at a time. */
  readonly consumer: {
    /** `KAFKA_CONSUMER_MIN_BYTES`. */
    readonly minBytes: number
    /** `KAFKA_CONSUMER_MAX_WAIT_MS`, in milliseconds. */
    readonly maxWaitMs: number
  }
}

const VARIABLES = { size: 'KAFKA_BATCH_SIZE', timeoutMs: 'KAFKA_BATCH_TIMEOUT_MS', maxSize: 'KAFKA_MAX_BATCH_SIZE' } as const
const CONSUMER_VARIABLES = { minBytes: 'KAFKA_CONSUMER_MIN_BYTES', maxWaitMs: 'KAFKA_CONSUMER_MAX_WAIT_MS' } as const

/** A flush has no more than this to one topic, so that it travels in one piece, which is written as a whole or not at all. */
const MAX_FLUSH_BYTES = 900_000
const DEFAULTS = { size: 50, timeoutMs: 500, maxSize: 200, maxBytes: MAX_FLUSH_BYTES }
const CONSUMER_DEFAULTS = { minBytes: 2_048, maxWaitMs: 200 }

/** By `NODE_ENV`. */
const PRESETS: ReadonlyMap<string | undefined, Pick<BatchOptions, 'size' | 'timeoutMs'>> = new Map([
  ['production', { size: 100, timeoutMs: 1_000 }],
  ['development', { size: 50, timeoutMs: 500 }],
  ['test', { size: 5, timeoutMs: 100 }],
])

/** What was found, and a sentence for everything that is wrong with it. */
export interface FoundConfig {
  readonly config: BatchConfig
  /** With those of code between the presets and the environment. */
  readonly policy: BatchPolicy
  /** Nothing is wrong with the maximum that counts. */
  readonly maxIsKnown: boolean
  readonly problems: readonly string[]
}

/** The configuration that code and environment give: the environment counts more, presets by `NODE_ENV` less. Pure. */
export function findBatchConfig(environment: Environment, given: BatchOptions = {}): FoundConfig {
  const found = environmentValues(environment, VARIABLES) as BatchOptions
  const consumer = { ...CONSUMER_DEFAULTS, ...environmentValues(environment, CONSUMER_VARIABLES) } as BatchConfig['consumer']
  const problems = batchOptionsProblems((option) => VARIABLES[option as keyof typeof VARIABLES] ?? option, found)
  for (const [option, variable] of Object.entries(CONSUMER_VARIABLES) as [keyof BatchConfig['consumer'], string][]) {
    const problem = numberProblem(variable, consumer[option], { min: option === 'minBytes' ? 1 : 0 })
    if (problem !== undefined) problems.push(problem)
  }
  const [variables, options] = [soundOf(found), soundOf(given)]
  const layers: BatchOptions[] = [DEFAULTS, PRESETS.get(environment['NODE_ENV']) ?? {}, options, variables]
  const policy = resolveBatchPolicy(layers)
  // The limits themselves, whichever of them the strategy has hold.
  const { size, timeoutMs, maxSize } = resolveBatchPolicy(layers.map(({ strategy: _s, adaptive: _a, ...limits }) => limits))
  const isKnown = (option: 'size' | 'minSize' | 'maxSize') => (found[option] ?? given[option]) === (variables[option] ?? options[option])
  const maxIsKnown = isKnown('maxSize')
  if (maxIsKnown) {
    // Of a strategy without a size, or with one that finds itself, the maximum is the only bound.
    if (isKnown('size') && policy.size === size && !policy.adaptive) problems.push(...sizeProblems({ size, maxSize }, variables, options))
    if (isKnown('minSize') && !isContradictory(options)) problems.push(...batchPolicyProblems(policy))
  }
  return { config: { size, timeoutMs, maxSize, consumer }, policy, maxIsKnown, problems }
}

/** The options whose values are good, each by itself. */
export function soundOf(options: BatchOptions): BatchOptions {
  const isSound = (name: string, value: unknown) => batchOptionsProblems((option) => option, { [name]: value }).length === 0
  return Object.fromEntries(Object.entries(options).filter(([name, value]) => isSound(name, value)))
}

/** What is said of these options anyway. */
function isContradictory({ minSize = 0, maxSize = Infinity }: BatchOptions): boolean {
  return minSize > maxSize
}

function sizeProblems({ size, maxSize }: { size: number; maxSize: number }, variables: BatchOptions, options: BatchOptions): string[] {
  if (size <= maxSize) return []
  const name = (option: 'size' | 'maxSize', own: string) =>
    variables[option] !== undefined ? VARIABLES[option] : options[option] !== undefined ? `batch.${option}` : own
  const preset = options.preset === undefined ? 'the size of NODE_ENV' : `the size of batch.preset '${options.preset}'`
  const [sizeName, maxName] = [name('size', preset), name('maxSize', 'the default of KAFKA_MAX_BATCH_SIZE')]
  return [`${sizeName} is ${describeValue(size)} and ${maxName} is ${describeValue(maxSize)}; use a size of at most the maximum.`]
}

/**
 * The batch configuration of this process: `KAFKA_BATCH_SIZE` (50), `KAFKA_BATCH_TIMEOUT_MS` (500), `KAFKA_MAX_BATCH_SIZE` (200), `KAFKA_CONSUMER_MIN_BYTES`
 * (2,048) and `KAFKA_CONSUMER_MAX_WAIT_MS` (200) over presets by `NODE_ENV`: production (100, 1,000 ms), development (50, 500 ms), test (5, 100 ms). Throws a
 * `TypeError` that names every variable with a bad value.
 *
 * ```ts
 * import { getBatchConfig } from 'millrace/publisher'
 *
 * const { size, timeoutMs } = getBatchConfig()
 * ```
 */
export function getBatchConfig(environment: Environment = process.env): BatchConfig {
  const { config, problems } = findBatchConfig(environment)
  if (problems.length > 0) throw wrongOptions('The environment says what batches can not be', problems)
  return config
}

/** The properties of a Kafka consumer for this configuration: to be passed on as `kafka({ consumer: consumerProperties(getBatchConfig()) })`. */
export function consumerProperties({ consumer }: BatchConfig): Readonly<Record<'fetch.min.bytes' | 'fetch.wait.max.ms', number>> {
  return { 'fetch.min.bytes': consumer.minBytes, 'fetch.wait.max.ms': consumer.maxWaitMs }
}
