import type { Serde, SourceNode, TopicRef } from '@millrace/core'
import { UsageError } from '../command-line/errors.ts'

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
  const input = topic === undefined && inputs.length === 1 ? inputs[0] : inputs.find((one) => one.topic === topic)
  if (input === undefined) {
    const names = inputs.map((one) => `'${one.topic}'`).join(', ')
    throw new UsageError(
      topic === undefined ? `Name the topic of '${line}': one of ${names}.` : `'${topic}' is no input: there is ${names}.`,
    )
  }
  return { topic: input.topic, key: encoded(input.source.key, key), value: encoded(input.source.value, value), timestamp }
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

/** The first form of a value that the serde takes: serdes tell their names, and not what they are of. */
function encoded(serde: Serde<unknown>, value: unknown): Uint8Array | null {
  let refusal: unknown
  for (const form of formsOf(value, /^(nullable\()?string\b/.test(serde.name))) {
    try {
      return serde.serialize(form)
    } catch (error) {
      refusal ??= error
    }
  }
  if (value === null) return null
  throw new UsageError(`${JSON.stringify(value)} can't be written with ${serde.name}: ${(refusal as Error).message}`)
}

/** Text may stand for a number, an object, a whole number of any size, or bytes. */
function formsOf(value: unknown, isText: boolean): unknown[] {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return [value, BigInt(value), String(value)]
  if (typeof value !== 'string') return [value, JSON.stringify(value)]
  const parsed = isText ? undefined : parsedJson(value)
  return [
    ...(parsed === undefined ? [] : [parsed]),
    ...(/^-?\d+$/.test(value) && !isText ? [BigInt(value)] : []),
    value,
    new TextEncoder().encode(value),
  ]
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
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
