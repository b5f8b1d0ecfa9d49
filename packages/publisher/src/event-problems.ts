import {
  type BatchOptions,
  batchOptionsProblems,
  type Compression,
  COMPRESSIONS,
  describeValue,
  isObject,
  unknownNames,
} from '@millrace/core'
import { DEFAULT_COMPRESSION, type EventDefinition, type EventDefinitions } from './events.ts'
import type { PublisherTopicOptions } from './publisher-options.ts'

const DEFINITION_NAMES = ['topic', 'key', 'serialize', 'deserialize', 'batch', 'compression', 'priority', 'critical']

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

/** What is wrong with what single topics have of their own. */
export function topicsProblems(topics: Readonly<Record<string, PublisherTopicOptions>>, events: EventDefinitions): string[] {
  if (!isObject(topics)) return [`topics is ${describeValue(topics)}; use an object of topics by their names.`]
  const known = new Set(Object.values(isObject(events) ? events : {}).map((definition) => definition?.topic))
  return Object.entries(topics).flatMap(([topic, own]) => {
    const name = `topics['${topic}']`
    const unknown = known.has(topic) ? [] : [`${name} is no topic of events; use one that some type there goes to.`]
    if (!isObject(own)) return [...unknown, `${name} is ${describeValue(own)}; use an object such as { batch }.`]
    return [...unknown, ...unknownNames((option) => `${name}.${option}`, own, ['batch']), ...batchProblems(name, own.batch)]
  })
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
  return [...problems, ...batchProblems(name, batch)]
}

function batchProblems(name: string, batch: BatchOptions | undefined): string[] {
  if (batch === undefined) return []
  if (!isObject(batch)) return [`${name}.batch is ${describeValue(batch)}; use an object.`]
  return batchOptionsProblems((option) => `${name}.batch.${option}`, batch)
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
