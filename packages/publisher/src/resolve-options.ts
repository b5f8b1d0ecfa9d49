import {
  batchOptionsProblems,
  type BatchPolicy,
  type Clock,
  type Compression,
  definedOnly,
  describeValue,
  failureProblems,
  isObject,
  type Logger,
  namesOf,
  numberProblem,
  type ResolvedCircuitBreakerOptions,
  resolveFailureOptions,
  type ResolvedRetryOptions,
  silentLogger,
  systemClock,
  type Transport,
  unknownNames,
  wrongOptions,
} from '@millrace/core'
import { type BatchConfig, findBatchConfig } from './batch-config.ts'
import type { OutboxOptions } from './outbox/outbox-options.ts'
import { eventsProblems, oneOf, topicsProblems } from './event-problems.ts'
import { DEFAULT_COMPRESSION, type EventDefinitions } from './events.ts'
import { ownBatchProblems, policiesOf } from './own-batches.ts'
import type { PublisherOptions } from './publisher-options.ts'
import { steadyLogger } from './steady-logger.ts'
import { workerProblems } from './worker/worker-problems.ts'

/** Options, complete. */
export interface ResolvedPublisher {
  readonly transport: Transport
  readonly events: EventDefinitions
  /** How many of them there are. */
  readonly topics: number
  readonly clientId: string
  readonly config: BatchConfig
  readonly policy: BatchPolicy
  /** Of types that have one of their own. */
  readonly policies: ReadonlyMap<string, BatchPolicy>
  /** Of topics that have one of their own. */
  readonly topicPolicies: ReadonlyMap<string, BatchPolicy>
  /** By topic. */
  readonly compressions: ReadonlyMap<string, Compression>
  readonly transactionCompression: Compression
  readonly buffer: { readonly maxEvents: number; readonly maxBytes: number; readonly whenFull: 'wait' | 'reject' }
  readonly retry: ResolvedRetryOptions
  /** Of batches: Infinity with an outbox. */
  readonly maxRetries: number
  readonly transactionRetries: number
  readonly circuitBreaker: ResolvedCircuitBreakerOptions | false
  readonly degrade: { readonly afterBatches: number; readonly recoverAfter: number }
  /** Infinity with an outbox. */
  readonly deliveryTimeoutMs: number
  /** Of transactions, which no outbox keeps. */
  readonly transactionDeliveryMs: number
  readonly closeTimeoutMs: number
  readonly transactionalId: string | undefined
  readonly outbox: OutboxOptions | undefined
  readonly logger: Logger
  readonly clock: Clock
  /** From 0 up to, not including, 1. */
  readonly random: () => number
}

type Options = PublisherOptions<EventDefinitions>

const NAMES = namesOf<Options>({
  transport: true,
  events: true,
  clientId: true,
  batch: true,
  topics: true,
  buffer: true,
  retry: true,
  circuitBreaker: true,
  degrade: true,
  deliveryTimeoutMs: true,
  closeTimeoutMs: true,
  transactionalId: true,
  outbox: true,
  worker: true,
  logger: true,
  clock: true,
  environment: true,
})
const BREAKER = { threshold: 0.5, window: 20, minimum: 5, openMs: 5_000 }
const MAX_TIMER_MS = 2_147_483_647

/** Throws a `TypeError` that lists everything that is wrong. */
export function resolvePublisher(options: Options): ResolvedPublisher {
  if (!isObject(options)) throw wrongOptions('createPublisher', [`the options are ${describeValue(options)}; use an object.`])
  const { transport, events, topics = {}, clientId = 'publisher', buffer = {}, retry = {}, circuitBreaker, degrade = {} } = options
  const { maxRetries = 3, ...delays } = isObject(retry) ? retry : {}
  const {
    transactionalId,
    outbox,
    deliveryTimeoutMs = 120_000,
    closeTimeoutMs = 30_000,
    logger = silentLogger,
    clock = systemClock,
    environment = process.env,
  } = options
  const breaker = isObject(circuitBreaker ?? {}) ? { ...BREAKER, ...definedOnly(circuitBreaker as object) } : (circuitBreaker as false)
  const problems: (string | undefined)[] = [
    ...unknownNames((name) => name, options, NAMES),
    typeof transport?.openWriter === 'function' ? undefined : `transport is ${describeValue(transport)}; use kafka(...) or memory().`,
    typeof clientId === 'string' && clientId !== '' ? undefined : `clientId is ${describeValue(clientId)}; use a text.`,
    objectProblem('batch', options.batch),
    ...(isObject(options.batch) ? batchOptionsProblems((name) => `batch.${name}`, options.batch) : []),
    ...groupProblems('buffer', buffer, { maxEvents: 1, maxBytes: 1 }, ['whenFull']),
    oneOf('buffer.whenFull', buffer.whenFull, ['wait', 'reject']),
    objectProblem('retry', retry),
    numberProblem('retry.maxRetries', maxRetries, { min: 0 }),
    ...failureProblems('publisher', { retry: delays, circuitBreaker: breaker }).map((problem) => problem.replaceAll('publisher.', '')),
    ...groupProblems('degrade', degrade, { afterBatches: 1, recoverAfter: 1 }),
    numberProblem('deliveryTimeoutMs', deliveryTimeoutMs, { min: 1, max: MAX_TIMER_MS }),
    numberProblem('closeTimeoutMs', closeTimeoutMs, { min: 0, max: MAX_TIMER_MS }),
    transactionalId === undefined || (typeof transactionalId === 'string' && transactionalId !== '')
      ? undefined
      : `transactionalId is ${describeValue(transactionalId)}; use a text.`,
    outbox === undefined || (typeof outbox?.folder === 'string' && typeof outbox.open === 'function')
      ? undefined
      : `outbox is ${describeValue(outbox)}; use { folder, open: openLevelDb }.`,
    ...workerProblems(options),
    methodsProblem('logger', logger, ['debug', 'info', 'warn', 'error']),
    methodsProblem('clock', clock, ['now', 'monotonic', 'after']),
    objectProblem('environment', environment),
    ...eventsProblems(events),
    ...topicsProblems(topics, events),
  ]
  const batch = isObject(options.batch) ? options.batch : {}
  const { config, policy, maxIsKnown, problems: batchProblems } = findBatchConfig(isObject(environment) ? environment : {}, batch)
  const commonMax = maxIsKnown ? config.maxSize : undefined
  problems.push(...ownBatchProblems('events', events, commonMax), ...ownBatchProblems('topics', topics, commonMax))
  const found = [...problems, ...batchProblems].filter((problem) => problem !== undefined)
  if (found.length > 0) throw wrongOptions('createPublisher was given what it can not use', found)
  const failure = resolveFailureOptions({ retry: delays, circuitBreaker: breaker })
  const compressions = new Map(Object.values(events).map(({ topic, compression }) => [topic, compression ?? DEFAULT_COMPRESSION]))
  return {
    transport,
    events,
    topics: new Set(Object.values(events).map(({ topic }) => topic)).size,
    clientId,
    config,
    policy,
    policies: policiesOf(events, batch, config),
    topicPolicies: policiesOf(topics, batch, config),
    compressions,
    transactionCompression: commonOf(compressions),
    buffer: { maxEvents: 10_000, maxBytes: 33_554_432, whenFull: 'wait', ...definedOnly(buffer) },
    retry: failure.retry,
    maxRetries: outbox === undefined ? maxRetries : Infinity,
    transactionRetries: maxRetries,
    circuitBreaker: failure.circuitBreaker,
    degrade: { afterBatches: 3, recoverAfter: 10, ...definedOnly(degrade) },
    deliveryTimeoutMs: outbox === undefined ? deliveryTimeoutMs : Infinity,
    transactionDeliveryMs: deliveryTimeoutMs,
    closeTimeoutMs,
    transactionalId,
    outbox,
    logger: steadyLogger(logger),
    clock,
    random: Math.random,
  }
}

function groupProblems(name: string, group: object, least: Readonly<Record<string, number>>, besides: readonly string[] = []): string[] {
  if (!isObject(group)) return [`${name} is ${describeValue(group)}; use an object.`]
  const values = group as Readonly<Record<string, unknown>>
  const problems = Object.entries(least).map(([option, min]) =>
    values[option] === undefined ? undefined : numberProblem(`${name}.${option}`, values[option], { min }),
  )
  return [
    ...problems.filter((problem) => problem !== undefined),
    ...unknownNames((option) => `${name}.${option}`, group, [...Object.keys(least), ...besides]),
  ]
}

/** The codec that all topics have, else the default. */
function commonOf(compressions: ReadonlyMap<string, Compression>): Compression {
  const [one = DEFAULT_COMPRESSION, ...others] = new Set(compressions.values())
  return others.length === 0 ? one : DEFAULT_COMPRESSION
}

function objectProblem(name: string, value: unknown): string | undefined {
  return value === undefined || isObject(value) ? undefined : `${name} is ${describeValue(value)}; use an object.`
}

function methodsProblem(name: string, value: object, methods: readonly string[]): string | undefined {
  const missing = methods.filter((method) => typeof (value as Readonly<Record<string, unknown>> | null)?.[method] !== 'function')
  return missing.length === 0 ? undefined : `${name} is ${describeValue(value)}; it must have ${missing.join(', ')}.`
}
