import crc32c from 'crc-32/crc32c.js'
import { uncompress } from 'snappyjs'

/** The end of each table file: where its two indexes are, and eight bytes that say what it is. */
const FOOTER_BYTES = 48
const MAGIC = Uint8Array.of(0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb)
/** Behind each block: how it is compressed, and the sum of both. */
const TRAILER_BYTES = 5
const RAW = 0
const SNAPPY = 1
/** Far more than a block of ours ever has. */
const MAX_BLOCK_BYTES = 1 << 28

interface Span {
  readonly offset: number
  readonly size: number
}

/**
 * `unfinished`: it has no end, as one that was being written when its process died; LevelDB knows nothing of such a file, so that one it does know
 * of was cut. `damaged`: its contents are not what was written.
 */
export type TableState = 'sound' | 'unfinished' | 'damaged'

/**
 * Compares all sums in a table file, which LevelDB itself does not do when it reads, in the form in which it can be used from here.
 * The format: `doc/table_format.md` of LevelDB.
 */
export function checkTable(bytes: Uint8Array): TableState {
  const footerAt = bytes.length - FOOTER_BYTES
  if (footerAt < 0 || MAGIC.some((byte, i) => bytes[bytes.length - MAGIC.length + i] !== byte)) return 'unfinished'
  try {
    const footer = new BytesReader(bytes, footerAt)
    for (const index of [footer.span(), footer.span()]) for (const block of spansIn(readBlock(bytes, index))) checkSum(bytes, block)
    return 'sound'
  } catch (error) {
    if (error instanceof Damaged) return 'damaged'
    throw error
  }
}

class Damaged extends Error {}

/** Reads numbers as LevelDB writes them: seven bits a byte, the lowest first. */
class BytesReader {
  readonly #bytes: Uint8Array
  #at: number

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.#at = at
  }

  get at(): number {
    return this.#at
  }

  number(): number {
    let value = 0
    for (let factor = 1; factor <= 2 ** 49; factor *= 128) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) break
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
    throw new Damaged('a number has no end')
  }

  span(): Span {
    return { offset: this.number(), size: this.number() }
  }

  skip(count: number): void {
    this.#at += count
  }
}

/** Throws if the block is not what its sum says. */
function checkSum(bytes: Uint8Array, { offset, size }: Span): void {
  const end = offset + size + 1
  if (end + TRAILER_BYTES - 1 > bytes.length) throw new Damaged('a block lies beyond the end')
  const sum = crc32c.buf(bytes.subarray(offset, end)) >>> 0
  const masked = (((sum >>> 15) | (sum << 17)) + 0xa282ead8) >>> 0
  const stored = new DataView(bytes.buffer, bytes.byteOffset + end).getUint32(0, true)
  if (masked !== stored) throw new Damaged('a block is not what its sum says')
}

function readBlock(bytes: Uint8Array, block: Span): Uint8Array {
  checkSum(bytes, block)
  const contents = bytes.subarray(block.offset, block.offset + block.size)
  const compression = bytes[block.offset + block.size]
  if (compression === RAW) return contents
  if (compression !== SNAPPY) throw new Damaged(`nobody knows compression ${compression}`)
  try {
    return uncompress(contents, MAX_BLOCK_BYTES)
  } catch (error) {
    throw new Damaged('a block can not be uncompressed', { cause: error })
  }
}

/** The blocks that an index tells of: its values. Behind its entries are the places at which keys are whole, and their number. */
function* spansIn(index: Uint8Array): Generator<Span> {
  const view = new DataView(index.buffer, index.byteOffset, index.byteLength)
  if (index.length < 4) throw new Damaged('an index is too short')
  const end = index.length - 4 - 4 * view.getUint32(index.length - 4, true)
  const reader = new BytesReader(index, 0)
  while (reader.at < end) {
    reader.number()
    const keyBytes = reader.number()
    reader.number()
    reader.skip(keyBytes)
    yield reader.span()
  }
}
