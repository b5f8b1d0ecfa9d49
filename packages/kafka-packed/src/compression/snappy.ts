import type * as snappy from 'snappy'
import { type Codec, tooLarge } from './codec.ts'

type Library = typeof snappy

/** What Java's clients write: blocks behind this magic, two versions, and each block behind its length. */
const FRAMED = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0])
const FRAMES_BEGIN = FRAMED.length + 8

export async function loadSnappy(): Promise<Codec> {
  const library = await import('snappy')
  return {
    // One block, as librdkafka writes it; Java's clients read both.
    compress: (bytes) => library.compressSync(asBuffer(bytes)),
    decompress(bytes, limit) {
      const buffer = asBuffer(bytes)
      const isFramed = buffer.length >= FRAMES_BEGIN && buffer.subarray(0, FRAMED.length).equals(FRAMED)
      return isFramed ? decompressFrames(library, buffer, limit) : decompressBlock(library, buffer, limit)
    },
  }
}

function decompressFrames(library: Library, bytes: Buffer, limit: number): Uint8Array {
  const blocks: Uint8Array[] = []
  let left = limit
  for (let at = FRAMES_BEGIN; at < bytes.length;) {
    const length = at + 4 > bytes.length ? -1 : bytes.readInt32BE(at)
    if (length < 0 || at + 4 + length > bytes.length) throw new Error('a block of snappy is cut off')
    const block = decompressBlock(library, bytes.subarray(at + 4, at + 4 + length), left)
    blocks.push(block)
    left -= block.length
    at += 4 + length
  }
  return blocks.length === 1 ? (blocks[0] as Uint8Array) : Buffer.concat(blocks)
}

function decompressBlock(library: Library, block: Buffer, limit: number): Uint8Array {
  if (saidLength(block) > limit) throw tooLarge(limit)
  return library.uncompressSync(block, { asBuffer: true }) as Buffer
}

/** A block begins with the length of what it becomes. */
function saidLength(block: Buffer): number {
  let length = 0
  for (let at = 0; at < 5 && at < block.length; at++) {
    const byte = block[at] as number
    length += (byte & 0x7f) * 2 ** (7 * at)
    if (byte < 0x80) return length
  }
  throw new Error('a block of snappy has no length')
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
