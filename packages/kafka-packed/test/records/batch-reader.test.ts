import { viewColumn } from '@millrace/core'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { COMPRESSIONS } from '../../src/compression/codec.ts'
import { loadCodec } from '../../src/compression/codecs.ts'
import { BatchBuilder } from '../../src/records/batch-builder.ts'
import { BatchReader } from '../../src/records/batch-reader.ts'
import { MalformedBatchError } from '../../src/records/malformed-batch-error.ts'
import { type RecordColumns, sliceRecords } from '../../src/records/record-columns.ts'
import { anyLog, at, marker, placed, plain, readAll, type ReadRecord, record, sealed, UNSTAMPED } from '../support/records.ts'

beforeAll(async () => {
  await Promise.all(COMPRESSIONS.map(loadCodec))
})

function reading(bytes: Uint8Array, options: Partial<ConstructorParameters<typeof BatchReader>[1]> = {}): BatchReader {
  return new BatchReader(bytes, { fromOffset: 0, ...options })
}

describe('batches', () => {
  it('are read as they were written, of every compression, from any offset, in pieces of any size', () => {
    fc.assert(
      fc.property(anyLog, fc.nat({ max: 80 }), fc.integer({ min: 1, max: 30 }), ({ bytes, records, end }, skip, atLeast) => {
        const fromOffset = 100 + skip
        const reader = reading(bytes, { fromOffset, checkCrcs: true })
        expect(readAll(reader, atLeast)).toEqual(records.filter(({ offset }) => offset >= fromOffset))
        expect(reader.nextOffset).toBe(Math.max(end, fromOffset))
      }),
    )
  })

  it('that are cut off at the end are left for the next request', () => {
    fc.assert(
      fc.property(anyLog, fc.nat(), ({ bytes, records }, cut) => {
        const reader = reading(bytes.subarray(0, bytes.length === 0 ? 0 : cut % bytes.length), { checkCrcs: true })
        const read = readAll(reader, 5)
        expect(read).toEqual(records.slice(0, read.length))
        // So that they are asked for again.
        expect(records.every(({ offset }, i) => i < read.length || offset >= reader.nextOffset)).toBe(true)
      }),
    )
  })

  it('are taken from columns of one buffer as from views', () => {
    const bytes = Buffer.from('..k1value1k22')
    const packed = (starts: number[], ends: number[]) => ({ form: 'packed', length: 3, bytes, starts, ends }) as const
    const builder = new BatchBuilder()
    const columns = { keys: packed([2, 10, 0], [4, 12, -1]), values: packed([4, 12, 4], [10, 13, 4]), timestamps: [5, 3, 9] }
    for (let row = 0; row < 3; row++) builder.append(columns, row)
    const batch = builder.seal('none')
    batch.stamp(UNSTAMPED)
    const keyed = [
      { key: 'k1', value: 'value1', timestamp: 5, headers: [] },
      { key: 'k2', value: '2', timestamp: 3, headers: [] },
      { key: null, value: '', timestamp: 9, headers: [] },
    ]
    expect(readAll(reading(batch.bytes))).toEqual(at(0, keyed))
  })

  it('of records whose length takes one byte or two, up to the edge between them', () => {
    for (let length = 10; length < 80; length++) {
      const builder = new BatchBuilder()
      builder.append({ keys: viewColumn([null]), values: viewColumn([Buffer.alloc(length, 'v')]), timestamps: [1] }, 0)
      const batch = builder.seal('none')
      expect(batch.bytes.length).toBe(builder.byteLength)
      expect(readAll(reading(batch.bytes)).map(({ value }) => value?.length)).toEqual([length])
    }
  })

  it('whose times the broker gave have that of the broker', () => {
    const bytes = Buffer.from(placed(sealed([record('one'), record('two')]), 0))
    bytes.writeInt16BE(0x08, 21)
    bytes.writeBigInt64BE(1_800_000_000_000n, 35)
    expect(readAll(reading(bytes)).map(({ timestamp }) => timestamp)).toEqual([1_800_000_000_000, 1_800_000_000_000])
  })

  it('that compaction has emptied are passed', () => {
    const empty = Buffer.from(placed(sealed([record('gone')]), 10).subarray(0, 61))
    empty.writeInt32BE(61 - 12, 8)
    empty.writeInt32BE(4, 23)
    empty.writeInt32BE(0, 57)
    const reader = reading(empty)
    expect(readAll(reader)).toEqual([])
    expect(reader.nextOffset).toBe(15)
  })

  it('are sliced without a copy', () => {
    const records = [record('a', 'x'), { ...record('b'), headers: [['h', 'v']] as const }, record('c')]
    const columns = reading(placed(sealed(records), 7)).read(1)
    expect(columns).toBeDefined()
    const rows = columns === undefined ? [] : plain(sliceRecords(columns, 1, 3))
    expect(rows).toEqual(at(7, records).slice(1))
  })
})

describe('transactions', () => {
  const transactional = (producerId: number, value: string, offset: number): Uint8Array =>
    placed(sealed([record(value)], 'none', { ...UNSTAMPED, producerId, isTransactional: true }), offset)
  const log = (): Buffer =>
    Buffer.concat([
      transactional(1, 'aborted', 0),
      transactional(2, 'committed', 1),
      placed(sealed([record('plain')], 'none', { ...UNSTAMPED, producerId: 1 }), 2),
      transactional(1, 'aborted too', 3),
      marker(4, 1, 'abort'),
      transactional(1, 'the next one', 5),
      marker(6, 2, 'commit'),
      marker(7, 1, 'commit'),
      placed(sealed([record('aborted, compressed')], 'lz4', { ...UNSTAMPED, producerId: 3, isTransactional: true }), 8),
      marker(9, 3, 'abort'),
    ])
  const aborted = [
    { producerId: 3, firstOffset: 8 },
    { producerId: 1, firstOffset: 0 },
  ]

  it.each([1, 2, 100])('that were aborted are left out, whatever is read at a time (%i)', (atLeast) => {
    const reader = reading(log(), { aborted })
    expect(readAll(reader, atLeast).map(({ value }) => value)).toEqual(['committed', 'plain', 'the next one'])
    expect(reader.nextOffset).toBe(10)
  })

  it('are read as they are by those who read what is not committed; markers are never records', () => {
    expect(readAll(reading(log())).map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 5, 8])
  })
})

describe('damaged batches', () => {
  /** What was read before the end or an error, which can be only one, and is final. */
  function readSafely(reader: BatchReader): ReadRecord[] {
    const records: ReadRecord[] = []
    const errors: unknown[] = []
    const read = (): RecordColumns | undefined => {
      try {
        return reader.read(4)
      } catch (error) {
        errors.push(error)
        return undefined
      }
    }
    for (let columns = read(); columns !== undefined; columns = read()) records.push(...plain(columns))
    read()
    expect(errors.filter((error) => !(error instanceof MalformedBatchError))).toEqual([])
    expect([0, 2]).toContain(errors.length)
    return records
  }

  const contentOf = ({ key, value, timestamp, headers }: ReadRecord): string => JSON.stringify({ key, value, timestamp, headers })
  const damages = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 })

  it('give only records that were sent, where checksums are compared', () => {
    fc.assert(
      fc.property(anyLog, damages, ({ bytes, records }, flips) => {
        const damaged = Uint8Array.from(bytes)
        for (const [where, flip] of flips) {
          if (damaged.length > 0) damaged[where % damaged.length] = (damaged[where % damaged.length] as number) ^ flip
        }
        const sent = new Set(records.map(contentOf))
        for (const one of readSafely(reading(damaged, { checkCrcs: true }))) expect(sent).toContain(contentOf(one))
      }),
      { numRuns: 300 },
    )
  })

  it('give an end or an error where they are not, and offsets that ascend', () => {
    fc.assert(
      fc.property(anyLog, damages, ({ bytes }, flips) => {
        const damaged = Uint8Array.from(bytes)
        for (const [where, flip] of flips) {
          if (damaged.length > 0) damaged[where % damaged.length] = (damaged[where % damaged.length] as number) ^ flip
        }
        for (const { value } of readSafely(reading(damaged, { maxBatchBytes: 1_000_000 })))
          expect(value?.length ?? 0).toBeLessThan(1_000_000)
      }),
      { numRuns: 300 },
    )
  })

  it('of nothing but noise give an end or an error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (noise, looksRight) => {
        if (looksRight && noise.length > 61) {
          noise.set([0, 0, 0, 0, 0, 0, 0, 1, 0, 0, (noise.length - 12) >> 8, (noise.length - 12) & 255, 0, 0, 0, 0, 2])
          noise.set([0, 0], 21)
          noise.set([0, 0, 0, 5], 23)
          noise.set([0, 0, 0, (noise[60] as number) % 5], 57)
        }
        readSafely(reading(noise))
      }),
      { numRuns: 500 },
    )
  })

  it.each<readonly [string, number, number[], string]>([
    ['a length that is negative', 8, [0xff, 0xff, 0xff, 0xff], 'says that it is -1 bytes long'],
    ['an older format', 16, [1], 'of message format 1'],
    ['an unknown compression', 21, [0, 7], 'in a way that is not known'],
    ['more records than bytes', 57, [0x7f, 0, 0, 0], 'says that it has'],
    ['fewer records than bytes', 57, [0, 0, 0, 1], 'more bytes than records'],
    ['a last offset before its first', 23, [0x80, 0, 0, 0], 'up to -2147483648 behind its first'],
    ['offsets beyond its last', 23, [0, 0, 0, 0], 'not between those around it'],
    ['a record longer than itself', 61, [0x7e], 'a record'],
    ['records that are not gzip', 21, [0, 1], "can't be read as gzip"],
  ])('of %s say so, and where', (_, where, bytes, message) => {
    const good = placed(sealed([record('good')]), 40)
    const bad = Buffer.from(placed(sealed([record('bad'), record('worse')]), 41))
    bad.set(bytes, where)
    const reader = reading(Buffer.concat([good, bad]))
    expect(readAllBefore(reader)).toEqual(['good'])
    expect(() => reader.read(1)).toThrow(message)
    expect(() => reader.read(1)).toThrow(expect.objectContaining({ offset: 41 }))
  })

  function readAllBefore(reader: BatchReader): (string | null)[] {
    const columns = reader.read(100)
    return columns === undefined ? [] : plain(columns).map(({ value }) => value)
  }
})
