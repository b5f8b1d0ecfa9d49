import { type Codec, tooLarge } from './codec.ts'

const CONTENT_SIZE = 0x08
const DICTIONARY = 0x01
const BLOCK_CHECKSUM = 0x10

/** How many bytes a block may stand for, and how a frame begins that says so: independent blocks, no checksums (a record batch has its own). */
const SMALL_BLOCKS = [
  { bytes: 1 << 16, head: [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82] },
  { bytes: 1 << 18, head: [0x04, 0x22, 0x4d, 0x18, 0x60, 0x50, 0xfb] },
  { bytes: 1 << 20, head: [0x04, 0x22, 0x4d, 0x18, 0x60, 0x60, 0x51] },
]
const LARGEST_BLOCKS = { bytes: 1 << 22, head: [0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73] }
const LENGTH_BYTES = 4
/** Of a block's length: it is not compressed. */
const AS_IT_IS = 0x80000000

export async function loadLz4(): Promise<Codec> {
  const library = await import('lz4-napi')
  return {
    compress: (bytes) => frameOf(asBuffer(bytes), library.compressSync),
    decompress(bytes, limit) {
      const buffer = asBuffer(bytes)
      // The library takes no limit.
      if (mostBytes(buffer) > limit) throw tooLarge(limit)
      return library.decompressFrameSync(buffer)
    },
  }
}

/** A frame of blocks: one by the library takes twice the time. `compressBlock` puts as many bytes before a block as its length takes. */
function frameOf(bytes: Buffer, compressBlock: (bytes: Buffer) => Buffer): Buffer {
  const { bytes: most, head } = SMALL_BLOCKS.find((one) => one.bytes >= bytes.length) ?? LARGEST_BLOCKS
  const parts: Buffer[] = [Buffer.from(head)]
  for (let at = 0; at < bytes.length; at += most) parts.push(...blockOf(bytes.subarray(at, at + most), compressBlock))
  parts.push(Buffer.alloc(LENGTH_BYTES))
  return Buffer.concat(parts)
}

function blockOf(bytes: Buffer, compressBlock: (bytes: Buffer) => Buffer): readonly Buffer[] {
  const block = compressBlock(bytes)
  const length = block.length - LENGTH_BYTES
  const isSmaller = length < bytes.length
  block.writeUInt32LE(isSmaller ? length : (AS_IT_IS | bytes.length) >>> 0)
  return isSmaller ? [block] : [block.subarray(0, LENGTH_BYTES), bytes]
}

/** More than so many bytes a frame can't become: it says how much a block is at most. */
function mostBytes(frame: Buffer): number {
  if (frame.length < 7) throw new Error('a frame of lz4 is cut off')
  const flags = frame[4] as number
  const blockBytes = 1 << (8 + 2 * (((frame[5] as number) >> 4) & 7))
  const checksum = (flags & BLOCK_CHECKSUM) === 0 ? 0 : 4
  let most = 0
  for (let at = 7 + ((flags & CONTENT_SIZE) === 0 ? 0 : 8) + ((flags & DICTIONARY) === 0 ? 0 : 4); at + 4 <= frame.length;) {
    const length = frame.readUInt32LE(at) & 0x7fffffff
    if (length === 0) return most
    most += blockBytes
    at += 4 + length + checksum
  }
  throw new Error('a frame of lz4 has no end')
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
