import { bytesAt, type Headers, viewColumn } from '@millrace/core'
import fc from 'fast-check'
import { BatchBuilder, type ProducerStamp, type SealedBatch } from '../../src/records/batch-builder.ts'
import type { BatchReader } from '../../src/records/batch-reader.ts'
import type { RecordColumns } from '../../src/records/record-columns.ts'
import { type Compression, COMPRESSIONS } from '../../src/compression/codec.ts'

/** One record, for those who compare. */
export interface PlainRecord {
  readonly key: string | null
  readonly value: string | null
  readonly timestamp: number
  readonly headers: readonly (readonly [string, string | null])[]
}

export type ReadRecord = PlainRecord & { readonly offset: number }

export const UNSTAMPED: ProducerStamp = { producerId: -1, producerEpoch: -1, baseSequence: -1, isTransactional: false }

const bytes = fc.option(fc.oneof(fc.string({ maxLength: 8 }), fc.string({ maxLength: 300 })))

/** Any record that fits. */
const anyRecord: fc.Arbitrary<PlainRecord> = fc.record({
  key: bytes,
  value: bytes,
  timestamp: fc.oneof(fc.integer({ min: 1_700_000_000_000, max: 1_700_000_000_100 }), fc.integer({ min: 0, max: 2 ** 50 })),
  headers: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), bytes), { maxLength: 3 }),
  ),
})

/** One batch of these records, as a producer sends it. */
export function sealed(records: readonly PlainRecord[], compression: Compression = 'none', stamp = UNSTAMPED): SealedBatch {
  const builder = new BatchBuilder()
  const columns = {
    keys: viewColumn(records.map(({ key }) => bytesOf(key))),
    values: viewColumn(records.map(({ value }) => bytesOf(value))),
    timestamps: records.map(({ timestamp }) => timestamp),
    headers: records.map(({ headers }) => (headers.length === 0 ? undefined : headersOf(headers))),
  }
  for (let row = 0; row < records.length; row++) builder.append(columns, row)
  const batch = builder.seal(compression)
  batch.stamp(stamp)
  return batch
}

/** As the broker keeps it: at an offset, which the checksum does not count in. */
export function placed(batch: SealedBatch, offset: number, leaderEpoch = 0): Uint8Array {
  const bytes = Buffer.from(batch.bytes)
  bytes.writeBigInt64BE(BigInt(offset), 0)
  bytes.writeInt32BE(leaderEpoch, 12)
  return bytes
}

/** What the broker writes at the end of a transaction. */
export function marker(offset: number, producerId: number, type: 'commit' | 'abort'): Uint8Array {
  const control = { key: `\0\0\0${type === 'abort' ? '\0' : '\x01'}`, value: '\0\0\0\0\0\0', timestamp: 0, headers: [] }
  const bytes = Buffer.from(placed(sealed([control], 'none', { ...UNSTAMPED, producerId, isTransactional: true }), offset))
  bytes.writeInt16BE(0x30, 21)
  return bytes
}

/** Some batches, as a partition keeps them: with gaps between them where others were compacted away. */
export const anyLog = fc
  .array(
    fc.record({
      records: fc.array(anyRecord, { minLength: 1, maxLength: 12 }),
      compression: fc.constantFrom<Compression>(...COMPRESSIONS, 'none', 'none', 'none'),
      gap: fc.nat({ max: 3 }),
    }),
    { maxLength: 6 },
  )
  .map((batches) => {
    const parts: Uint8Array[] = []
    const records: ReadRecord[] = []
    const places: { readonly start: number; readonly end: number }[] = []
    let offset = 100
    let start = 0
    for (const batch of batches) {
      offset += batch.gap
      const bytes = placed(sealed(batch.records, batch.compression), offset, 5)
      parts.push(bytes)
      places.push({ start, end: (start += bytes.length) })
      records.push(...at(offset, batch.records))
      offset += batch.records.length
    }
    return { bytes: new Uint8Array(Buffer.concat(parts)), batches: places, records, end: offset }
  })

/** Everything that a reader reads, in pieces of so many records at least. */
export function readAll(reader: BatchReader, atLeast = 1): ReadRecord[] {
  const records: ReadRecord[] = []
  for (let columns = reader.read(atLeast); columns !== undefined; columns = reader.read(atLeast)) records.push(...plain(columns))
  return records
}

export function plain(columns: RecordColumns): ReadRecord[] {
  return Array.from({ length: columns.length }, (_, i) => ({
    offset: columns.offsets[i] as number,
    key: textOf(bytesAt(columns.keys, i)),
    value: textOf(bytesAt(columns.values, i)),
    timestamp: columns.timestamps[i] as number,
    headers: (columns.headers?.[i] ?? []).map(({ key, value }) => [key, textOf(value)] as const),
  }))
}

/** The records as they are read back when the first is at `offset`. */
export function at(offset: number, records: readonly PlainRecord[]): ReadRecord[] {
  return records.map(({ key, value, timestamp, headers }, i) => ({ offset: offset + i, key, value, timestamp, headers }))
}

export function record(value: string, key: string | null = null): PlainRecord {
  return { key, value, timestamp: 1_700_000_000_000, headers: [] }
}

function bytesOf(text: string | null): Uint8Array | null {
  return text === null ? null : Buffer.from(text)
}

function textOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString()
}

function headersOf(headers: PlainRecord['headers']): Headers {
  return headers.map(([key, value]) => ({ key, value: bytesOf(value) }))
}
