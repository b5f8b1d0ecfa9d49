import {
  type BatchPolicy,
  batchOptionsProblems,
  batchPolicyProblems,
  type Clock,
  type Compression,
  COMPRESSIONS,
  definedOnly,
  describeValue,
  failureProblems,
  isObject,
  type Logger,
  namesOf,
  numberProblem,
  type ResolvedCircuitBreakerOptions,
  resolveBatchPolicy,
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
import type { EventDefinition, EventDefinitions } from './events.ts'
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
  /** By topic. */
  readonly compressions: ReadonlyMap<string, Compression>
  readonly buffer: { readonly maxEvents: number; readonly maxBytes: number; readonly whenFull: 'wait' | 'reject' }
  readonly retry: ResolvedRetryOptions
  /** Of batches: Infinity with an outbox. */
  readonly maxRetries: number
  readonly transactionRetries: number
  readonly circuitBreaker: ResolvedCircuitBreakerOptions | false
  readonly degrade: { readonly afterBatches: number; readonly recoverAfter: number }
  readonly deliveryTimeoutMs: number
  readonly closeTimeoutMs: number
  readonly transactionalId: string | undefined
  readonly outbox: OutboxOptions | undefined
  readonly logger: Logger
  readonly clock: Clock
}

type Options = PublisherOptions<EventDefinitions>

const NAMES = namesOf<Options>({
  transport: true,
  events: true,
  clientId: true,
  batch: true,
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
const DEFINITION_NAMES = ['topic', 'key', 'serialize', 'deserialize', 'batch', 'compression', 'priority', 'critical']
const BREAKER = { threshold: 0.5, window: 20, minimum: 5, openMs: 5_000 }
const MAX_TIMER_MS = 2_147_483_647

/** Throws a `TypeError` that lists everything that is wrong. */
export function resolvePublisher(options: Options): ResolvedPublisher {
  if (!isObject(options)) throw wrongOptions('createPublisher', [`the options are ${describeValue(options)}; use an object.`])
  const { transport, events, clientId = 'publisher', buffer = {}, retry = {}, circuitBreaker, degrade = {} } = options
  const { maxRetries = 3, ...delays } = retry
  const {
    transactionalId,
    outbox,
    deliveryTimeoutMs = 120_000,
    closeTimeoutMs = 30_000,
    logger = silentLogger,
    clock = systemClock,
  } = options
  const breaker = circuitBreaker === false ? false : { ...BREAKER, ...definedOnly(circuitBreaker) }
  const problems: (string | undefined)[] = [
    ...unknownNames((name) => name, options, NAMES),
    typeof transport?.openWriter === 'function' ? undefined : `transport is ${describeValue(transport)}; use kafka(...) or memory().`,
    typeof clientId === 'string' && clientId !== '' ? undefined : `clientId is ${describeValue(clientId)}; use a text.`,
    ...(options.batch === undefined ? [] : batchOptionsProblems((name) => `batch.${name}`, options.batch)),
    ...groupProblems('buffer', buffer, { maxEvents: 1, maxBytes: 1 }, ['whenFull']),
    oneOf('buffer.whenFull', buffer.whenFull, ['wait', 'reject']),
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
    ...eventsProblems(events),
  ]
  const batch = isObject(options.batch) ? options.batch : {}
  const { config, policy, problems: batchProblems } = findBatchConfig(options.environment ?? process.env, batch)
  if (batchProblems.length === 0) problems.push(...ownSizeProblems(events, config))
  const found = [...problems, ...batchProblems].filter((problem) => problem !== undefined)
  if (found.length > 0) throw wrongOptions('createPublisher was given what it can not use', found)
  const failure = resolveFailureOptions({ retry: delays, circuitBreaker: breaker })
  return {
    transport,
    events,
    topics: new Set(Object.values(events).map(({ topic }) => topic)).size,
    clientId,
    config,
    policy,
    policies: policiesOf(events, batch, config),
    compressions: new Map(Object.values(events).map(({ topic, compression }) => [topic, compression ?? 'lz4'])),
    buffer: { maxEvents: 10_000, maxBytes: 33_554_432, whenFull: 'wait', ...definedOnly(buffer) },
    retry: failure.retry,
    maxRetries: outbox === undefined ? maxRetries : Infinity,
    transactionRetries: maxRetries,
    circuitBreaker: failure.circuitBreaker,
    degrade: { afterBatches: 3, recoverAfter: 10, ...definedOnly(degrade) },
    deliveryTimeoutMs: outbox === undefined ? deliveryTimeoutMs : Infinity,
    closeTimeoutMs,
    transactionalId,
    outbox,
    logger: steadyLogger(logger),
    clock,
  }
}

/** What a type says of its batches counts more than the environment, which speaks of batches in general. */
function policiesOf(
  events: EventDefinitions,
  batch: Options['batch'],
  { size, timeoutMs, maxSize }: BatchConfig,
): Map<string, BatchPolicy> {
  const own = new Map<string, BatchPolicy>()
  for (const [type, definition] of Object.entries(events)) {
    if (definition.batch === undefined) continue
    const base = { maxBytes: 900_000, ...definedOnly(batch), size, timeoutMs, maxSize }
    own.set(type, resolveBatchPolicy([base, definition.batch]))
  }
  return own
}

/** A type's own size is bound by the common maximum, unless it has one of its own. */
function ownSizeProblems(events: EventDefinitions, { maxSize: commonMax }: BatchConfig): string[] {
  return Object.entries(isObject(events) ? events : {}).flatMap(([type, definition]) => {
    const { size = 0, maxSize = commonMax } = isObject(definition) && isObject(definition.batch) ? definition.batch : {}
    if (!(size > maxSize)) return []
    const name = `events['${type}'].batch`
    const whose = maxSize === commonMax ? `the maximum of a flush is ${commonMax}` : `${name}.maxSize is ${maxSize}`
    return [`${name}.size is ${size} and ${whose}; use a size of at most the maximum, or raise ${name}.maxSize.`]
  })
}

function eventsProblems(events: EventDefinitions): string[] {
  if (!isObject(events) || Object.keys(events).length === 0)
    return [`events is ${describeValue(events)}; name at least one type, as event<Payload>({ topic }).`]
  const problems: (string | undefined)[] = []
  const compressions = new Map<string, { readonly type: string; readonly compression: Compression }>()
  for (const [type, definition] of Object.entries(events)) {
    const name = `events['${type}']`
    if (!isObject(definition)) {
      problems.push(`${name} is ${describeValue(definition)}; use event<Payload>({ topic }).`)
      continue
    }
    problems.push(...definitionProblems(name, definition))
    const { topic, compression = 'lz4' } = definition
    const other = compressions.get(topic)
    if (other !== undefined && other.compression !== compression)
      problems.push(
        `${name}.compression is '${compression}', but that of '${other.type}' is '${other.compression}' on the same topic '${topic}'; use one.`,
      )
    compressions.set(topic, other ?? { type, compression })
  }
  return problems.filter((problem) => problem !== undefined)
}

function definitionProblems(name: string, definition: EventDefinition<never>): (string | undefined)[] {
  const { topic, key, serialize, deserialize, batch, compression, priority } = definition
  const problems: (string | undefined)[] = [
    typeof topic === 'string' && topic !== '' ? undefined : `${name}.topic is ${describeValue(topic)}; use the name of a topic.`,
    functionProblem(`${name}.key`, key),
    functionProblem(`${name}.serialize`, serialize),
    functionProblem(`${name}.deserialize`, deserialize),
    oneOf(`${name}.compression`, compression, COMPRESSIONS),
    oneOf(`${name}.priority`, priority, ['normal', 'high']),
    ...unknownNames((option) => `${name}.${option}`, definition, DEFINITION_NAMES),
  ]
  if (batch === undefined) return problems
  const own = batchOptionsProblems((option) => `${name}.batch.${option}`, batch)
  return [...problems, ...own, ...(own.length > 0 ? [] : batchPolicyProblems(resolveBatchPolicy([batch])))]
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

function functionProblem(name: string, value: unknown): string | undefined {
  return value === undefined || typeof value === 'function'
    ? undefined
    : `${name} is ${describeValue(value)}; use a function of the payload.`
}

function oneOf(name: string, value: string | undefined, allowed: readonly string[]): string | undefined {
  return value === undefined || allowed.includes(value) ? undefined : `${name} is ${describeValue(value)}; use ${allowed.join(', ')}.`
}
