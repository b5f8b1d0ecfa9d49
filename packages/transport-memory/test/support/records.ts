import { bytesAt, viewColumn, type PollResult, type RecordSource, type WriteBatch } from '@millrace/core'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export interface TestRecord {
  readonly key?: string | null
  readonly value?: string | null
  readonly timestamp?: number
  readonly partition?: number
}

/** A write of records given as text. */
export function writeOf(topic: string, records: readonly TestRecord[]): WriteBatch {
  return {
    topic,
    length: records.length,
    keys: viewColumn(records.map(({ key }) => toBytes(key))),
    values: viewColumn(records.map(({ value }) => toBytes(value))),
    timestamps: records.map(({ timestamp }) => timestamp ?? 0),
    partitions: records.map(({ partition }) => partition ?? -1),
  }
}

function toBytes(text: string | null | undefined): Uint8Array | null {
  return text === null || text === undefined ? null : encoder.encode(text)
}

export interface ReadRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key: string | null
  readonly value: string | null
}

/** The records of a poll, as text; releases its batches. */
export function recordsOf(result: PollResult): ReadRecord[] {
  const records: ReadRecord[] = []
  for (const batch of result.batches) {
    for (let i = 0; i < batch.length; i++) {
      const key = bytesAt(batch.keys, i)
      const value = bytesAt(batch.values, i)
      records.push({
        topic: batch.topic,
        partition: batch.partition,
        offset: batch.offsets[i] as number,
        key: key === null ? null : decoder.decode(key),
        value: value === null ? null : decoder.decode(value),
      })
    }
    batch.release()
  }
  return records
}

/** Polls until `count` records have come, or fails after `limitMs`. */
export async function readRecords(source: RecordSource, count: number, limitMs = 5_000): Promise<ReadRecord[]> {
  const until = performance.now() + limitMs
  const records: ReadRecord[] = []
  while (records.length < count) {
    const left = until - performance.now()
    if (left <= 0) throw new Error(`${records.length} of ${count} records came within ${limitMs} ms`)
    records.push(...recordsOf(await source.poll(Math.min(left, 100))))
  }
  return records
}
