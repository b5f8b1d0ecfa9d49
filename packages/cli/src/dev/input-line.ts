import type { Serde, SourceNode, TopicRef } from '@millrace/core'
import { UsageError } from '../command-line/errors.ts'
import { parsedJson, writtenValue } from '../records/serde-forms.ts'

/** A record that a person, or a file, writes as a line. */
export interface InputRecord {
  readonly topic: string
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  /** Milliseconds since 1970; undefined: now. */
  readonly timestamp: number | undefined
}

/** A topic that can be written to, with the serdes of the source that reads it. */
export interface InputTopic {
  readonly topic: string
  readonly source: Pick<SourceNode, 'key' | 'value'>
}

/**
 * One line: an object of JSON with `value`, and perhaps `topic`, `key` and `timestamp`, or else the value itself, without a key. Where there is one input, the topic
 * may be left out. Throws a {@link UsageError} that says why a line is no record.
 */
export function inputRecord(line: string, inputs: readonly InputTopic[]): InputRecord {
  const { topic, key = null, value, timestamp } = envelopeOf(line)
  const [only] = inputs
  if (topic === undefined && (only === undefined || inputs.length > 1))
    throw new UsageError(`Name the topic of '${line}': one of ${namesOf(inputs)}.`)
  const input = topic === undefined && only !== undefined ? only : inputOf(topic ?? '', inputs)
  return { topic: input.topic, key: encoded(input.source.key, key), value: encoded(input.source.value, value), timestamp }
}

/** The input of a topic. Throws a {@link UsageError} for one that is none. */
export function inputOf(topic: string, inputs: readonly InputTopic[]): InputTopic {
  const found = inputs.find((one) => one.topic === topic)
  if (found === undefined) throw new UsageError(`'${topic}' is no input: there is ${namesOf(inputs)}.`)
  return found
}

function namesOf(inputs: readonly InputTopic[]): string {
  return inputs.length === 0 ? 'none' : inputs.map(({ topic }) => `'${topic}'`).join(', ')
}

interface Envelope {
  readonly topic?: string
  readonly key?: unknown
  readonly value: unknown
  readonly timestamp: number | undefined
}

function envelopeOf(line: string): Envelope {
  const parsed = parsedJson(line)
  if (typeof parsed !== 'object' || parsed === null || !('value' in parsed)) return { value: line, timestamp: undefined }
  const { topic, key, value, timestamp } = parsed as Record<string, unknown>
  return {
    ...(typeof topic === 'string' && { topic }),
    key,
    value,
    timestamp: typeof timestamp === 'number' ? timestamp : undefined,
  }
}

/** A key or value; null where the serde refuses it is Kafka's null all the same. */
function encoded(serde: Serde<unknown>, value: unknown): Uint8Array | null {
  try {
    return writtenValue(serde, value).bytes
  } catch (error) {
    if (value === null) return null
    throw error
  }
}

/** Topics that are read by name. */
export function namedInputs(nodes: readonly { readonly kind: string }[]): readonly InputTopic[] {
  return nodes
    .filter((node): node is SourceNode => node.kind === 'source')
    .flatMap((source) => source.topics.filter(isNamed).map(({ topic }) => ({ topic, source })))
}

function isNamed(ref: TopicRef): ref is Extract<TopicRef, { readonly kind: 'name' }> {
  return ref.kind === 'name'
}
