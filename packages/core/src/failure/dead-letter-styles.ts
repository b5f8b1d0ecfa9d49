import type { Header } from '../batch/headers.ts'
import { encodeUtf8 } from '../internal/utf8.ts'
import { writeInt32 } from '../serde/big-endian.ts'
import type { DeadLetterHeaderStyle, FailedRecord } from './failure-options.ts'

/** What was thrown, as UTF-8 of bounded length. */
export interface ThrownTexts {
  readonly className: Uint8Array
  /** Of what it was caused by, if anything. */
  readonly causeName: Uint8Array | undefined
  readonly message: Uint8Array
  /** Class and message, as Java's `toString()` of an exception. */
  readonly text: Uint8Array
  readonly stack: Uint8Array | undefined
}

/** The header names of one tool, and how it writes them. */
export interface DeadLetterStyle {
  /** Headers that say where the record came from. The first is always there. */
  readonly origin: readonly string[]
  /** Headers that say why and where it failed, some of which may be missing. */
  readonly reason: readonly string[]
  readonly originOf: (failure: FailedRecord, applicationId: string) => Header[]
  readonly reasonOf: (failure: FailedRecord, applicationId: string, thrown: ThrownTexts) => Header[]
  /** Where a reader finds what. */
  readonly readBy: DeadLetterNames
}

interface DeadLetterNames {
  readonly origin: { readonly topic: string; readonly partition: string; readonly offset: string }
  /** Whether partition and offset are binary, not text. */
  readonly binaryNumbers: boolean
  /** The first that is there counts, of each. */
  readonly errorClass: readonly string[]
  readonly message: readonly string[]
  readonly stack: readonly string[]
}

/** Headers that every dead letter of ours has, in any style. */
export const OWN_HEADER_NAMES: readonly string[] = [
  'millrace.stage',
  'millrace.node',
  'millrace.attempts',
  'millrace.batch.size',
  'millrace.batch.index',
]

const SPRING = {
  topic: 'kafka_dlt-original-topic',
  partition: 'kafka_dlt-original-partition',
  offset: 'kafka_dlt-original-offset',
  timestamp: 'kafka_dlt-original-timestamp',
  timestampType: 'kafka_dlt-original-timestamp-type',
  group: 'kafka_dlt-original-consumer-group',
}

const SPRING_REASON = {
  cause: 'kafka_dlt-exception-cause-fqcn',
  value: ['kafka_dlt-exception-fqcn', 'kafka_dlt-exception-message', 'kafka_dlt-exception-stacktrace'],
  key: ['kafka_dlt-key-exception-fqcn', 'kafka_dlt-key-exception-message', 'kafka_dlt-key-exception-stacktrace'],
} as const

/** Spring-Kafka's `DeadLetterPublishingRecoverer`: numbers are binary. */
const spring: DeadLetterStyle = {
  origin: Object.values(SPRING),
  reason: [SPRING_REASON.cause, ...SPRING_REASON.value, ...SPRING_REASON.key],
  originOf: ({ topic, partition, offset, timestamp }, applicationId) => [
    { key: SPRING.topic, value: encodeUtf8(topic) },
    { key: SPRING.partition, value: int32(partition) },
    { key: SPRING.offset, value: int64(offset) },
    { key: SPRING.timestamp, value: int64(timestamp) },
    // What Java's TimestampType.CREATE_TIME is as text.
    { key: SPRING.timestampType, value: encodeUtf8('CreateTime') },
    { key: SPRING.group, value: encodeUtf8(applicationId) },
  ],
  reasonOf: (failure, _, { className, causeName, message, stack }) => {
    const names = failure.stage === 'decode' && failure.part === 'key' ? SPRING_REASON.key : SPRING_REASON.value
    return headersOf([names[0], SPRING_REASON.cause, names[1], names[2]], [className, causeName, message, stack])
  },
  readBy: {
    origin: SPRING,
    binaryNumbers: true,
    errorClass: [SPRING_REASON.value[0], SPRING_REASON.key[0]],
    message: [SPRING_REASON.value[1], SPRING_REASON.key[1]],
    stack: [SPRING_REASON.value[2], SPRING_REASON.key[2]],
  },
}

const CONNECT = ['connector.name', 'task.id', 'stage', 'class.name', 'exception.class.name', 'exception.message', 'exception.stacktrace']
const CONNECT_REASON = CONNECT.map((name) => `__connect.errors.${name}`)

/** Kafka Connect's `DeadLetterQueueReporter`: everything is text, the stages are its own. */
const connect: DeadLetterStyle = {
  origin: originNames('__connect.errors.'),
  reason: CONNECT_REASON,
  originOf: (failure) => originAsText('__connect.errors.', failure),
  reasonOf: (failure, applicationId, { className, message, stack }) => {
    const { partition, node } = failure
    const place = [applicationId, String(partition), connectStage(failure), node].map((text) => encodeUtf8(text))
    return headersOf(CONNECT_REASON, [...place, className, message, stack])
  },
  readBy: namesAsText('__connect.errors.', 'exception.class.name', 'exception.message', 'exception.stacktrace'),
}

function connectStage({ stage, part }: FailedRecord): string {
  if (stage === 'decode') return part === 'key' ? 'KEY_CONVERTER' : 'VALUE_CONVERTER'
  return stage === 'process' ? 'TRANSFORMATION' : 'TASK_PUT'
}

const STREAMS_REASON = ['__streams.errors.exception', '__streams.errors.message', '__streams.errors.stacktrace']

/** Kafka Streams' handlers of KIP-1034: everything is text. */
const streams: DeadLetterStyle = {
  origin: originNames('__streams.errors.'),
  reason: STREAMS_REASON,
  originOf: (failure) => originAsText('__streams.errors.', failure),
  reasonOf: (_, __, { text, message, stack }) => headersOf(STREAMS_REASON, [text, message, stack]),
  readBy: namesAsText('__streams.errors.', 'exception', 'message', 'stacktrace'),
}

/** By the name that `deadLetter.headerStyle` has for it. */
export const DEAD_LETTER_STYLES: Readonly<Record<DeadLetterHeaderStyle, DeadLetterStyle>> = { spring, connect, streams }

function namesAsText(prefix: string, ...[errorClass, message, stack]: readonly [string, string, string]): DeadLetterNames {
  return {
    origin: { topic: `${prefix}topic`, partition: `${prefix}partition`, offset: `${prefix}offset` },
    binaryNumbers: false,
    errorClass: [prefix + errorClass],
    message: [prefix + message],
    stack: [prefix + stack],
  }
}

function originNames(prefix: string): string[] {
  return ['topic', 'partition', 'offset'].map((name) => prefix + name)
}

function originAsText(prefix: string, { topic, partition, offset }: FailedRecord): Header[] {
  return headersOf(
    originNames(prefix),
    [topic, partition, offset].map((value) => encodeUtf8(String(value))),
  )
}

/** Headers of these names, without those that have no value. */
function headersOf(names: readonly (string | undefined)[], values: readonly (Uint8Array | undefined)[]): Header[] {
  return names.flatMap((key, i) => {
    const value = values[i]
    return key === undefined || value === undefined ? [] : [{ key, value }]
  })
}

function int32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  writeInt32(bytes, 0, value)
  return bytes
}

function int64(value: number): Uint8Array {
  const bytes = new Uint8Array(8)
  writeInt32(bytes, 0, Math.floor(value / 2 ** 32))
  writeInt32(bytes, 4, value)
  return bytes
}
