const MAGIC = 0xfd2fb528
const BLOCK_BYTES = 128 * 1024
const CONTENT_SIZE_BYTES = [0, 2, 4, 8]
const DICTIONARY_BYTES = [0, 1, 2, 4]
/** A block of one byte that is repeated. */
const RUN_LENGTH = 1
const RESERVED = 3

/** More than so many bytes a frame of zstd can't become (RFC 8878, 3.1.1). Throws when the bytes are not one whole frame. */
export function mostBytesOfZstd(frame: Uint8Array): number {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  if (frame.length < 6 || view.getUint32(0, true) !== MAGIC) throw new Error('it is no frame of zstd')
  const descriptor = view.getUint8(4)
  const isSingleSegment = (descriptor & 0x20) !== 0
  const sizeFlag = descriptor >> 6
  const contentSize = sizeFlag === 0 && isSingleSegment ? 1 : (CONTENT_SIZE_BYTES[sizeFlag] as number)
  let at = 5 + (isSingleSegment ? 0 : 1) + (DICTIONARY_BYTES[descriptor & 3] as number) + contentSize
  let most = 0
  for (;;) {
    if (at + 3 > frame.length) throw new Error('a frame of zstd is cut off')
    const header = view.getUint16(at, true) | (view.getUint8(at + 2) << 16)
    const type = (header >> 1) & 3
    if (type === RESERVED) throw new Error('a block of zstd is of no known type')
    most += BLOCK_BYTES
    at += 3 + (type === RUN_LENGTH ? 1 : header >> 3)
    if ((header & 1) === 1) break
  }
  const end = at + ((descriptor & 4) === 0 ? 0 : 4)
  if (end !== frame.length) throw new Error('a frame of zstd does not end where it should')
  return most
}
