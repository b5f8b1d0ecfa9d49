import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Codec, Compression } from '../../src/compression/codec.ts'
import { codecOf, isLoaded, loadCodec } from '../../src/compression/codecs.ts'
import { loadZstd } from '../../src/compression/zstd.ts'

const NAMES = ['gzip', 'snappy', 'lz4', 'zstd'] as const satisfies readonly Compression[]
const LIMIT = 8 * 1024 * 1024

/** Of all kinds: what compresses well, and what does not. */
const contents = fc.oneof(
  fc.uint8Array({ maxLength: 2_000 }),
  fc.nat({ max: 400_000 }).map((length) => new Uint8Array(length).fill(7)),
)

beforeAll(async () => {
  await Promise.all(NAMES.map(loadCodec))
})

function expectSafe(codec: Codec): void {
  fc.assert(
    fc.property(contents, fc.nat(), fc.integer({ min: 1, max: 255 }), (bytes, at, flip) => {
      const packed = codec.compress(bytes)
      expect(Buffer.compare(codec.decompress(packed, LIMIT), bytes)).toBe(0)
      const damaged = Uint8Array.from(packed)
      damaged[at % damaged.length] = (damaged[at % damaged.length] as number) ^ flip
      expectBoundedOrRefused(codec, damaged)
      expectBoundedOrRefused(codec, packed.subarray(0, at % packed.length))
    }),
  )
}

/** Damage is not always seen (that is what the batch's checksum is for), but costs no more than the limit. */
function expectBoundedOrRefused(codec: Codec, damaged: Uint8Array): void {
  expect(bytesOrError(codec, damaged)).toBeLessThanOrEqual(LIMIT)
}

function bytesOrError(codec: Codec, damaged: Uint8Array): number {
  try {
    return codec.decompress(damaged, LIMIT).length
  } catch {
    return 0
  }
}

describe.each(NAMES)('%s', (name) => {
  it('gives back what it was given, and neither more than the limit nor anything but an error for what is damaged', () => {
    expect(isLoaded(name)).toBe(true)
    expectSafe(codecOf(name))
  })

  it('refuses what would become more than the limit', () => {
    const packed = codecOf(name).compress(new Uint8Array(1_000_000))
    expect(() => codecOf(name).decompress(packed, 500_000)).toThrow(/.+/)
  })
})

describe('zstd without the one of Node', () => {
  it('gives back what it was given', async () => {
    expectSafe(await loadZstd({}))
  })

  it('reads what Node or itself writes', async () => {
    const [own, best] = await Promise.all([loadZstd({}), loadZstd()])
    const bytes = Buffer.from('over and over '.repeat(10_000))
    expect(Buffer.from(own.decompress(best.compress(bytes), LIMIT))).toEqual(bytes)
    expect(Buffer.from(best.decompress(own.compress(bytes), LIMIT))).toEqual(bytes)
  })

  it('reads frames that do not say how long they become, as Java writes them', async () => {
    // 300,000 times the same byte, without a content size: a block for each 128 KiB, each of one byte that is repeated.
    const runs = [131_072, 131_072, 37_856].map((length, i) => {
      const header = (length << 3) | (1 << 1) | (i === 2 ? 1 : 0)
      return [header & 255, (header >> 8) & 255, (header >> 16) & 255, 0x61]
    })
    const frame = Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58, ...runs.flat()])
    const [own, best] = await Promise.all([loadZstd({}), loadZstd()])
    expect(Buffer.from(own.decompress(frame, LIMIT))).toEqual(Buffer.alloc(300_000, 'a'))
    expect(Buffer.from(best.decompress(frame, LIMIT))).toEqual(Buffer.alloc(300_000, 'a'))
  })
})

describe('snappy', () => {
  it("reads the blocks that Java's clients write", () => {
    const block = (text: string): Buffer => {
      const packed = Buffer.from(codecOf('snappy').compress(Buffer.from(text)))
      const length = Buffer.alloc(4)
      length.writeInt32BE(packed.length)
      return Buffer.concat([length, packed])
    }
    const framed = Buffer.concat([Buffer.from('\x82SNAPPY\0\0\0\0\x01\0\0\0\x01', 'latin1'), block('first '.repeat(50)), block('second')])
    expect(Buffer.from(codecOf('snappy').decompress(framed, LIMIT)).toString()).toBe(`${'first '.repeat(50)}second`)
    expect(() => codecOf('snappy').decompress(framed.subarray(0, -3), LIMIT)).toThrow('cut off')
    expect(() => codecOf('snappy').decompress(framed, 302)).toThrow('more than')
  })
})
