import { crc32 } from 'node:zlib'

/** Length and checksum of what follows, 4 bytes each, little-endian. */
const HEADER_BYTES = 8

/** A buffer for a payload of `byteLength` bytes, to be filled behind its header and then {@link sealFrame | sealed}. */
export function newFrame(byteLength: number): { readonly frame: Buffer; readonly payload: Buffer } {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + byteLength)
  return { frame, payload: frame.subarray(HEADER_BYTES) }
}

/** Writes the header that vouches for the payload. */
export function sealFrame(frame: Buffer): Buffer {
  frame.writeUInt32LE(frame.length - HEADER_BYTES, 0)
  frame.writeUInt32LE(crc32(frame.subarray(HEADER_BYTES)), 4)
  return frame
}

export function frameOf(bytes: Uint8Array): Buffer {
  const { frame, payload } = newFrame(bytes.length)
  payload.set(bytes)
  return sealFrame(frame)
}

export interface FrameScan {
  /** Views into the bytes scanned. */
  readonly payloads: readonly Buffer[]
  /** Up to where the frames are whole. */
  readonly wholeBytes: number
  /**
   * What comes after them: nothing; a `torn` end, which a process killed while writing leaves; or `corrupt` bytes with whole frames behind
   * them, which no kill explains.
   */
  readonly rest: 'nothing' | 'torn' | 'corrupt'
}

/** Takes a file apart, up to the first frame that is not whole. */
export function scanFrames(bytes: Buffer): FrameScan {
  const payloads: Buffer[] = []
  let at = 0
  for (;;) {
    const payload = payloadAt(bytes, at)
    if (payload === undefined) break
    payloads.push(payload)
    at += HEADER_BYTES + payload.length
  }
  return { payloads, wholeBytes: at, rest: at === bytes.length ? 'nothing' : wholeFrameBehind(bytes, at) ? 'corrupt' : 'torn' }
}

function payloadAt(bytes: Buffer, at: number): Buffer | undefined {
  if (at + HEADER_BYTES > bytes.length) return undefined
  const length = bytes.readUInt32LE(at)
  const end = at + HEADER_BYTES + length
  // No frame is empty: zeros are what a file system leaves of a write it had promised.
  if (length === 0 || end > bytes.length) return undefined
  const payload = bytes.subarray(at + HEADER_BYTES, end)
  return crc32(payload) === bytes.readUInt32LE(at + 4) ? payload : undefined
}

/** Whether the frame at `at`, which is damaged, is followed by one that is whole. */
function wholeFrameBehind(bytes: Buffer, at: number): boolean {
  if (at + HEADER_BYTES > bytes.length) return false
  return payloadAt(bytes, at + HEADER_BYTES + bytes.readUInt32LE(at)) !== undefined
}
