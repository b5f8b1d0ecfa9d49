import { expect, it } from 'vitest'
import { isLoaded, loadCodec } from '../../src/compression/codecs.ts'
import { COMPRESSIONS } from '../../src/compression/codec.ts'
import { BatchReader } from '../../src/records/batch-reader.ts'
import { placed, record, sealed } from '../support/records.ts'

it('Batches say which libraries they need, those behind others too, until these are loaded', async () => {
  const bytes = Buffer.concat(
    COMPRESSIONS.map((_, number) => {
      const batch = Buffer.from(placed(sealed([record('one')]), number))
      batch.writeInt16BE(number, 21)
      return batch
    }),
  )
  const reader = new BatchReader(bytes, { fromOffset: 0 })
  expect([...reader.missing()]).toEqual(COMPRESSIONS.filter((one) => !isLoaded(one)))
  await Promise.all(COMPRESSIONS.map(loadCodec))
  expect(reader.missing().size).toBe(0)
})
