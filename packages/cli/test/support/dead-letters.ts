import {
  deadLetterHeaders,
  type FailedRecord,
  type Headers,
  silentLogger,
  type Transport,
  type TransportAdmin,
  viewColumn,
} from '@millrace/core'
import { type RawRecord, readTopics } from '../../src/records/read-topics.ts'

const context = { logger: silentLogger }

/** A dead letter to be. */
export interface Letter {
  readonly value: string
  readonly topic: string
  readonly partition?: number
  readonly offset: number
  readonly error?: unknown
  readonly node?: string
  readonly headers?: Headers
  readonly timestamp?: number
}

/** Writes dead letters into partition 0 of a topic, as an application would. */
export async function writeDeadLetters(transport: Transport, to: string, letters: readonly Letter[]): Promise<void> {
  await using writer = await transport.openWriter({ clientId: 'test' }, context)
  await writer.writeBatch({
    topic: to,
    length: letters.length,
    keys: viewColumn(letters.map(({ offset }) => new TextEncoder().encode(`key ${offset}`))),
    values: viewColumn(letters.map(({ value }) => new TextEncoder().encode(value))),
    timestamps: letters.map(({ timestamp, offset }) => timestamp ?? offset * 1_000),
    partitions: letters.map(() => 0),
    headers: letters.map((letter) => deadLetterHeaders(failed(letter), 'app', { headerStyle: 'streams', maxStackBytes: 1_000 })),
  })
  const [failure] = await writer.flush()
  if (failure !== undefined) throw failure.error
}

function failed({ value, topic, partition = 0, offset, error = new Error('failed'), node = 'count', headers = [] }: Letter): FailedRecord {
  return {
    ...{ stage: 'process', node, topic, partition, offset, timestamp: offset * 1_000, headers, error },
    ...{ key: null, value: new TextEncoder().encode(value), attempts: 1, batchSize: 1, index: 0 },
  }
}

/** All that is in a topic. */
export async function everythingIn(
  topic: string,
  { transport, admin }: { transport: Transport; admin: TransportAdmin },
): Promise<RawRecord[]> {
  const [description] = await admin.describeTopics([topic])
  const partitions = Array.from({ length: description?.partitions ?? 0 }, (_, partition) => ({ topic, partition }))
  const all: RawRecord[] = []
  for await (const records of readTopics({ transport, admin, context, partitions })) all.push(...records)
  return all
}

/** Values as text. */
export function valuesOf(records: readonly RawRecord[]): string[] {
  return records.map(({ value }) => new TextDecoder().decode(value ?? new Uint8Array()))
}
