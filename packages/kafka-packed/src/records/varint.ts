/** Where the varint that was read last ended: a second result that needs no object. */
export let varintEnd = 0

/** A zigzag varint of 32 bits at `at`, not reading at or beyond `end`. -Infinity where there is none: {@link varintEnd} is not set then. */
export function readVarint(bytes: Uint8Array, at: number, end: number): number {
  let value = 0
  for (let shift = 0; shift <= 28 && at < end; shift += 7) {
    const byte = bytes[at++] as number
    value |= (byte & 0x7f) << shift
    if (byte < 0x80) {
      varintEnd = at
      return (value >>> 1) ^ -(value & 1)
    }
  }
  return -Infinity
}

/** The same of 64 bits. Beyond 2^53 it loses its lowest bits. */
export function readVarlong(bytes: Uint8Array, at: number, end: number): number {
  let value = 0
  let unit = 1
  let isOdd = false
  for (let count = 0; count < 10 && at < end; count++) {
    const byte = bytes[at++] as number
    if (count === 0) isOdd = (byte & 1) === 1
    value += (byte & 0x7f) * unit
    if (byte < 0x80) {
      varintEnd = at
      return isOdd ? -(value + 1) / 2 : value / 2
    }
    unit *= 128
  }
  return -Infinity
}

/** Writes a zigzag varint of 32 bits, and returns where it ends. Five bytes at most. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = (value << 1) ^ (value >> 31)
  while ((rest & ~0x7f) !== 0) {
    bytes[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  bytes[at++] = rest
  return at
}

/** The same of a whole number beyond 32 bits. Ten bytes at most. */
export function writeVarlong(bytes: Uint8Array, at: number, value: number): number {
  if (value >= -0x40000000 && value < 0x40000000) return writeVarint(bytes, at, value)
  let rest = value < 0 ? -value * 2 - 1 : value * 2
  while (rest >= 0x80) {
    bytes[at++] = (rest % 128) | 0x80
    rest = Math.floor(rest / 128)
  }
  bytes[at++] = rest
  return at
}

/** How many bytes {@link writeVarint} writes. */
export function varintBytes(value: number): number {
  const bits = 32 - Math.clz32((value << 1) ^ (value >> 31))
  return bits <= 7 ? 1 : Math.ceil(bits / 7)
}
