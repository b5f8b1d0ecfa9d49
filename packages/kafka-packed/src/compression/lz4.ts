import { type Codec, tooLarge } from './codec.ts'

const CONTENT_SIZE = 0x08
const DICTIONARY = 0x01
const BLOCK_CHECKSUM = 0x10

export async function loadLz4(): Promise<Codec> {
  const library = await import('lz4-napi')
  return {
    compress: (bytes) => library.compressFrameSync(asBuffer(bytes)),
    decompress(bytes, limit) {
      const buffer = asBuffer(bytes)
      // The library takes no limit.
      if (mostBytes(buffer) > limit) throw tooLarge(limit)
      return library.decompressFrameSync(buffer)
    },
  }
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
