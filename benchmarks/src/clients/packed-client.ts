import { deserializeColumn, type PackedColumn, serdes } from '@millrace/core'
import { PackedReader, PackedWriter } from '@millrace/kafka-packed'
import { brokerAddresses } from '../kafka/check/topic-reader.ts'
import { Stopwatch } from '../kafka/programs/stopwatch.ts'
import { CHUNK, type ClientConfig, keyOf, VALUE_BYTES } from './client-config.ts'
import { ReadCheck } from './read-check.ts'

const POLL_RECORDS = 10_000
const POLL_MS = 1_000

/** Reads all records, with a string for each key. */
export async function readPacked({ brokers, topic, partitions, records }: ClientConfig): Promise<void> {
  const stopwatch = new Stopwatch({})
  await using reader = await PackedReader.open({ brokers: brokerAddresses(brokers), isolation: 'read-uncommitted' })
  stopwatch.read()
  reader.assign(Array.from({ length: partitions }, (_, partition) => ({ topic, partition, offset: 0 })))
  const check = new ReadCheck(partitions)
  for (let read = 0; read < records;) {
    for (const batch of (await reader.poll(POLL_RECORDS, POLL_MS)).batches) {
      for (const key of deserializeColumn(serdes.string, batch.keys).values) check.key(key)
      check.offsets(batch.partition, batch.offsets[0] as number, batch.offsets[batch.length - 1] as number)
      read += batch.length
    }
  }
  stopwatch.done()
  check.finish(records)
}

/** Writes all records, idempotently. Rejects if any could not be delivered. */
export async function writePacked({ brokers, topic, records }: ClientConfig): Promise<void> {
  const keys = packedKeys(records)
  const bytes = Buffer.alloc(VALUE_BYTES, 'v')
  const stopwatch = new Stopwatch({})
  await using writer = await PackedWriter.open({ brokers: brokerAddresses(brokers), compression: 'lz4', lingerMs: 10 })
  stopwatch.read()
  for (let from = 0; from < records; from += CHUNK) {
    const length = Math.min(CHUNK, records - from)
    const starts = new Int32Array(length)
    const values: PackedColumn = { form: 'packed', length, bytes, starts, ends: new Int32Array(length).fill(VALUE_BYTES) }
    await writer.write({ topic, length, keys: keys(from, length), values, timestamps: new Float64Array(length).fill(Date.now()) })
  }
  const [failed] = await writer.flush()
  stopwatch.done()
  if (failed !== undefined) throw failed.error
}

/** Made before the time begins, as the other client's buffers are. */
function packedKeys(records: number): (from: number, length: number) => PackedColumn {
  const chunks = Array.from({ length: Math.ceil(records / CHUNK) }, (_, chunk): PackedColumn => {
    const keys = Array.from({ length: CHUNK }, (_key, i) => keyOf(chunk * CHUNK + i))
    const starts = new Int32Array(CHUNK)
    const ends = new Int32Array(CHUNK)
    let at = 0
    for (const [i, key] of keys.entries()) {
      starts[i] = at
      at += key.length
      ends[i] = at
    }
    return { form: 'packed', length: CHUNK, bytes: Buffer.from(keys.join('')), starts, ends }
  })
  return (from) => chunks[from / CHUNK] as PackedColumn
}
