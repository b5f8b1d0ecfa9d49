import {
  type BatchOptions,
  batchOptionsProblems,
  type BatchPolicy,
  type Compression,
  COMPRESSIONS,
  definedOnly,
  describeValue,
  isObject,
  resolveBatchPolicy,
  unknownNames,
} from '@millrace/core'
import { type BatchConfig, soundOf } from './batch-config.ts'
import { DEFAULT_COMPRESSION, type EventDefinition, type EventDefinitions } from './events.ts'

const DEFINITION_NAMES = ['topic', 'key', 'serialize', 'deserialize', 'batch', 'compression', 'priority', 'critical']

/** What a type says of its batches counts more than the environment, which speaks of batches in general. */
export function policiesOf(
  events: EventDefinitions,
  batch: BatchOptions,
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

/**
 * Where a type's own batches contradict themselves or the common ones: its size is bound by the common maximum, unless it has one of its own. Nothing is said of
 * what is wrong by itself, or of the common maximum where `commonMax` is undefined.
 */
export function ownBatchProblems(events: EventDefinitions, commonMax: number | undefined): string[] {
  return Object.entries(isObject(events) ? events : {}).flatMap(([type, definition]) => {
    const given = isObject(definition) && isObject(definition.batch) ? definition.batch : {}
    const { size = 0, minSize = 0, maxSize = given.maxSize === undefined ? commonMax : undefined } = soundOf(given)
    if (maxSize === undefined) return []
    const name = `events['${type}'].batch`
    const whose = given.maxSize === undefined ? `the maximum of a flush is ${maxSize}` : `${name}.maxSize is ${maxSize}`
    const above = (option: 'size' | 'minSize', value: number) =>
      `${name}.${option} is ${value} and ${whose}; use a ${option} of at most the maximum, or raise ${name}.maxSize.`
    // Of two of its own that contradict each other it is said where they are.
    const isSaid = given.maxSize !== undefined
    return [...(size > maxSize ? [above('size', size)] : []), ...(minSize > maxSize && !isSaid ? [above('minSize', minSize)] : [])]
  })
}

/** What is wrong with definitions of events, each by itself, and where types of one topic disagree. */
export function eventsProblems(events: EventDefinitions): string[] {
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
    const { topic, compression = DEFAULT_COMPRESSION } = definition
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
  const { topic, key, serialize, deserialize, batch, compression, priority, critical } = definition
  const problems: (string | undefined)[] = [
    typeof topic === 'string' && topic !== '' ? undefined : `${name}.topic is ${describeValue(topic)}; use the name of a topic.`,
    functionProblem(`${name}.key`, key),
    functionProblem(`${name}.serialize`, serialize),
    functionProblem(`${name}.deserialize`, deserialize),
    oneOf(`${name}.compression`, compression, COMPRESSIONS),
    oneOf(`${name}.priority`, priority, ['normal', 'high']),
    critical === undefined || typeof critical === 'boolean'
      ? undefined
      : `${name}.critical is ${describeValue(critical)}; use true or false.`,
    ...unknownNames((option) => `${name}.${option}`, definition, DEFINITION_NAMES),
  ]
  if (batch === undefined) return problems
  if (!isObject(batch)) return [...problems, `${name}.batch is ${describeValue(batch)}; use an object.`]
  return [...problems, ...batchOptionsProblems((option) => `${name}.batch.${option}`, batch)]
}

function functionProblem(name: string, value: unknown): string | undefined {
  return value === undefined || typeof value === 'function'
    ? undefined
    : `${name} is ${describeValue(value)}; use a function of the payload.`
}

/** A sentence for a value that is given and not among those. */
export function oneOf(name: string, value: string | undefined, allowed: readonly string[]): string | undefined {
  return value === undefined || allowed.includes(value) ? undefined : `${name} is ${describeValue(value)}; use ${allowed.join(', ')}.`
}
