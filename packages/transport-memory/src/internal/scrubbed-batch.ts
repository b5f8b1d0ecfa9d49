import { bytesAt, type BytesColumn, type PackedColumn, type WireBatch } from '@millrace/core'

const SCRUBBED = 0xdb

/** A copy of `batch` whose bytes are overwritten when it is released. */
export function scrubbedBatch(batch: WireBatch): WireBatch {
  const keys = copyColumn(batch.keys)
  const values = copyColumn(batch.values)
  return {
    topic: batch.topic,
    partition: batch.partition,
    length: batch.length,
    keys,
    values,
    timestamps: Float64Array.from(batch.timestamps),
    offsets: Float64Array.from(batch.offsets),
    headers: batch.headers,
    endOffset: batch.endOffset,
    release() {
      keys.bytes.fill(SCRUBBED)
      values.bytes.fill(SCRUBBED)
      batch.release()
    },
  }
}

/** The column alone: its bytes without what lies between and around them. */
export function copyColumn(column: BytesColumn): PackedColumn {
  const { length } = column
  const starts = new Int32Array(length)
  const ends = new Int32Array(length)
  let total = 0
  for (let i = 0; i < length; i++) {
    const view = bytesAt(column, i)
    starts[i] = total
    total += view?.byteLength ?? 0
    ends[i] = view === null ? -1 : total
  }
  const bytes = new Uint8Array(total)
  for (let i = 0; i < length; i++) {
    const view = bytesAt(column, i)
    if (view !== null) bytes.set(view, starts[i])
  }
  return { form: 'packed', length, bytes, starts, ends }
}
