import { Reader } from '@platformatic/kafka'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteReader } from '../../src/wire/byte-reader.ts'
import { ByteWriter } from '../../src/wire/byte-writer.ts'
import { encodeFetch, type FetchedPartition } from '../../src/wire/fetch.ts'
import { readFetch } from '../support/wire-broker.ts'

function reading(bytes: Buffer): ByteReader {
  return new ByteReader(Reader.from(bytes).buffer)
}

describe('what is written', () => {
  it('is read back, however much it is, whatever comes where room is made for more', () => {
    const field = fc.oneof(
      fc.tuple(fc.constant('int16' as const), fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 })),
      fc.tuple(fc.constant('int32' as const), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
      fc.tuple(fc.constant('int64' as const), fc.maxSafeInteger()),
      fc.tuple(fc.constant('unsignedVarint' as const), fc.nat()),
      fc.tuple(fc.constant('string' as const), fc.string()),
      fc.tuple(fc.constant('uuid' as const), fc.uuid()),
    )
    fc.assert(
      fc.property(fc.array(field, { minLength: 50, maxLength: 400 }), (fields) => {
        const out = new ByteWriter()
        for (const [name, value] of fields) out[name](value as never)
        const from = reading(out.finish())
        expect(fields.map(([name]) => from[name]())).toEqual(fields.map(([, value]) => value))
        expect(from.left).toBe(0)
      }),
    )
  })

  it('asks for any number of partitions', () => {
    for (let count = 0; count < 200; count++) {
      const partitions = Array.from({ length: count }, (_, partition): FetchedPartition => {
        return { topic: 'topic', partition, leaderEpoch: 1, offset: partition * 10, fetchedEpoch: partition, maxBytes: 1 }
      })
      const body = encodeFetch({ maxWaitMs: 1, minBytes: 1, maxBytes: 1, readCommitted: true, rack: '', partitions })
      const asked = partitions.map(({ topic, partition, offset, fetchedEpoch }) => ({ topic, partition, offset, fetchedEpoch }))
      expect(readFetch(reading(body))).toEqual(asked)
    }
  })
})
