import { bytesAt, viewColumn, type Headers, type WireBatch, type WriteBatch } from '@millrace/core'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** A record to write, in words; what is absent is null (key, value), the index (timestamp), or left to the transport (partition). */
export interface TextRecord {
  readonly key?: string | null
  readonly value?: string | null
  readonly timestamp?: number
  readonly partition?: number
  readonly headers?: Headers
}

/** A record as it was read, in words. */
export interface ReadRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key: string | null
  readonly value: string | null
  readonly timestamp: number
  readonly headers: readonly (readonly [string, string | null])[]
}

export function encode(text: string | null | undefined): Uint8Array | null {
  return text === null || text === undefined ? null : encoder.encode(text)
}

function decode(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : decoder.decode(bytes)
}

/** Records as a write. */
export function writeBatchOf(topic: string, records: readonly TextRecord[]): WriteBatch {
  return {
    topic,
    length: records.length,
    keys: viewColumn(records.map(({ key }) => encode(key))),
    values: viewColumn(records.map(({ value }) => encode(value))),
    timestamps: records.map(({ timestamp }, i) => timestamp ?? i),
    partitions: records.map(({ partition }) => partition ?? -1),
    headers: records.map(({ headers }) => headers),
  }
}

/** The records of a batch, copied out of it. */
export function readRecordsOf(batch: WireBatch): ReadRecord[] {
  return Array.from({ length: batch.length }, (_, i) => ({
    topic: batch.topic,
    partition: batch.partition,
    offset: batch.offsets[i] as number,
    key: decode(bytesAt(batch.keys, i)),
    value: decode(bytesAt(batch.values, i)),
    timestamp: batch.timestamps[i] as number,
    headers: (batch.headers?.[i] ?? []).map(({ key, value }) => [key, decode(value)] as const),
  }))
}
