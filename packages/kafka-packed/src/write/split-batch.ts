import { BatchBuilder, type SealedBatch } from '../records/batch-builder.ts'
import { BatchReader } from '../records/batch-reader.ts'
import type { Compression } from '../compression/codec.ts'

/** The same records as two batches, of at least one record each, for a broker that refused them as one. There are two or more. */
export function splitBatch(sealed: SealedBatch, compression: Compression): readonly [SealedBatch, SealedBatch] {
  const half = Math.ceil(sealed.count / 2)
  const builders = [new BatchBuilder(), new BatchBuilder()] as const
  const reader = new BatchReader(sealed.bytes, { fromOffset: 0 })
  let row = 0
  for (let columns = reader.read(1); columns !== undefined; columns = reader.read(1)) {
    for (let i = 0; i < columns.length; i++) builders[row++ < half ? 0 : 1].append(columns, i)
  }
  return [builders[0].seal(compression), builders[1].seal(compression)]
}
