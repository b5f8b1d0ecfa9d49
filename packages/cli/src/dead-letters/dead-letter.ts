import { type DeadLetterInfo, type FailureStage, readDeadLetter } from '@millrace/core'
import type { RawRecord } from '../records/read-topics.ts'

/** A record of a dead-letter topic, and what its headers say. */
export interface DeadLetter {
  readonly record: RawRecord
  /** Undefined where its headers are no dead letter's. */
  readonly info: DeadLetterInfo | undefined
}

/** Which dead letters are meant; those that all of it is true of. */
export interface DeadLetterFilter {
  /** A part of the class or the message of the error, whichever its case. */
  readonly reason?: string | undefined
  /** The topic it comes from. */
  readonly fromTopic?: string | undefined
  readonly stage?: FailureStage | undefined
  readonly node?: string | undefined
  /** Of the record's timestamp, inclusive. */
  readonly since?: number | undefined
  /** Exclusive. */
  readonly until?: number | undefined
  /** Only these. */
  readonly ids?: ReadonlySet<string> | undefined
}

export function deadLetterOf(record: RawRecord): DeadLetter {
  return { record, info: readDeadLetter(record.headers) }
}

/** How a record is named: `topic-partition@offset`. */
export function idOf({ topic, partition, offset }: Pick<RawRecord, 'topic' | 'partition' | 'offset'>): string {
  return `${topic}-${partition}@${offset}`
}

/** The place that a name says; undefined for what is no such name. */
export function placeOf(id: string): Pick<RawRecord, 'topic' | 'partition' | 'offset'> | undefined {
  const [, topic, partition, offset] = /^(.+)-(\d+)@(\d+)$/.exec(id) ?? []
  return topic === undefined ? undefined : { topic, partition: Number(partition), offset: Number(offset) }
}

/** The reason in a line. */
export function reasonOf({ info }: DeadLetter): string {
  const { errorClass, message } = info ?? {}
  return [errorClass, message].filter((one) => one !== undefined && one !== '').join(': ')
}

/** Where the record comes from, as far as it says. */
export function originOf({ info }: DeadLetter): string | undefined {
  if (info === undefined) return undefined
  return `${info.topic}-${info.partition ?? '?'}@${info.offset ?? '?'}`
}

export function matches(letter: DeadLetter, filter: DeadLetterFilter): boolean {
  const { reason, fromTopic, stage, node, since, until, ids } = filter
  const { record, info } = letter
  if (ids !== undefined && !ids.has(idOf(record))) return false
  if (fromTopic !== undefined && info?.topic !== fromTopic) return false
  if (stage !== undefined && info?.stage !== stage) return false
  if (node !== undefined && info?.node !== node) return false
  if (since !== undefined && record.timestamp < since) return false
  if (until !== undefined && record.timestamp >= until) return false
  return reason === undefined || reasonOf(letter).toLowerCase().includes(reason.toLowerCase())
}
