import type { Headers, RecordBatch } from '@millrace/core'
import { byteLengthOf, BytePacker } from './byte-packer.ts'
import type { Chunk } from './messages.ts'

type AnyBatch = RecordBatch<unknown, unknown>

/** Several for each thread: where records cost unequally much, the others go on with what is left instead of waiting for the slowest. */
const CHUNKS_A_THREAD = 4

/** Cuts the rows of a batch into chunks, in order: the indices of the records in each. Pure. */
export function cutRows(length: number, threads: number, chunkSize: number | undefined): number[][] {
  const size = chunkSize ?? Math.max(1, Math.ceil(length / (threads * CHUNKS_A_THREAD)))
  const chunks: number[][] = []
  for (let from = 0; from < length; from += size) {
    chunks.push(Array.from({ length: Math.min(size, length - from) }, (_, i) => from + i))
  }
  return chunks
}

/** Copies rows of a batch for a thread. The buffer is the copy's own: it can be transferred. */
export function chunkOf(
  batch: AnyBatch,
  rows: readonly number[],
  careful: boolean,
): { readonly chunk: Chunk; readonly buffer: ArrayBuffer } {
  const headers = headersOf(batch, rows)
  let bytes = 0
  for (const row of rows) bytes += byteLengthOf(batch.keys[row]) + byteLengthOf(batch.values[row])
  for (const own of headers ?? []) for (const { value } of own) bytes += byteLengthOf(value)
  const packer = new BytePacker(bytes)
  const chunk: Chunk = {
    keys: rows.map((row) => packer.pack(batch.keys[row])),
    values: rows.map((row) => packer.pack(batch.values[row])),
    timestamps: Float64Array.from(rows, (row) => batch.timestamp(row)),
    headers: headers?.map((own) => own.map(({ key, value }) => ({ key, value: packer.pack(value) }))),
    careful,
  }
  return { chunk, buffer: packer.buffer }
}

function headersOf(batch: AnyBatch, rows: readonly number[]): Headers[] | undefined {
  return rows.some((row) => batch.headers(row).length > 0) ? rows.map((row) => batch.headers(row)) : undefined
}
