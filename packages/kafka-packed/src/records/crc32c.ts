import { createRequire } from 'node:module'

/** Shorter ones are summed up here before a call into native code has begun. */
const LEAST_NATIVE_BYTES = 400

type Crc32c = (bytes: Uint8Array) => number

/** By the processor's own instruction, where there is a build of it for this machine: five times as fast. */
const native: Crc32c | undefined = loadNative()

function loadNative(): Crc32c | undefined {
  try {
    const require = createRequire(import.meta.url)
    return (require('@node-rs/crc32') as { readonly crc32c: Crc32c }).crc32c
  } catch {
    return undefined
  }
}

/** Eight tables of 256: `TABLES[t * 256 + b]` is the remainder of byte `b` with `t` zero bytes behind it. */
const TABLES = tables()

function tables(): Int32Array {
  const all = new Int32Array(8 * 256)
  for (let byte = 0; byte < 256; byte++) {
    let rest = byte
    for (let bit = 0; bit < 8; bit++) rest = (rest & 1) === 1 ? (rest >>> 1) ^ 0x82f63b78 : rest >>> 1
    all[byte] = rest
  }
  for (let at = 256; at < all.length; at++) {
    const before = all[at - 256] as number
    all[at] = (all[before & 255] as number) ^ (before >>> 8)
  }
  return all
}

/** CRC-32C (Castagnoli), unsigned, of the bytes from `start` (inclusive) to `end` (exclusive). */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  if (native !== undefined && end - start >= LEAST_NATIVE_BYTES) return native(bytes.subarray(start, end))
  return crc32cByTables(bytes, start, end)
}

/** The same in JavaScript: eight bytes at a time. */
export function crc32cByTables(bytes: Uint8Array, start: number, end: number): number {
  const t = TABLES
  let crc = -1
  let at = start
  for (const last = end - 8; at <= last; at += 8) {
    const low =
      crc ^
      ((bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24))
    crc =
      (t[1792 + (low & 255)] as number) ^
      (t[1536 + ((low >>> 8) & 255)] as number) ^
      (t[1280 + ((low >>> 16) & 255)] as number) ^
      (t[1024 + (low >>> 24)] as number) ^
      (t[768 + (bytes[at + 4] as number)] as number) ^
      (t[512 + (bytes[at + 5] as number)] as number) ^
      (t[256 + (bytes[at + 6] as number)] as number) ^
      (t[bytes[at + 7] as number] as number)
  }
  for (; at < end; at++) crc = (t[(crc ^ (bytes[at] as number)) & 255] as number) ^ (crc >>> 8)
  return ~crc >>> 0
}
