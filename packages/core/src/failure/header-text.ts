import { encodeUtf8 } from '../internal/utf8.ts'

/** UTF-8 of a text, cut after its last whole character within `maxBytes`. */
export function cappedUtf8(text: string, maxBytes: number): Uint8Array {
  // Each unit is a byte or more: what lies behind needs no encoding. Half of a pair becomes three bytes, which are cut off then.
  const bytes = encodeUtf8(text.length > maxBytes ? text.slice(0, maxBytes + 1) : text)
  if (bytes.length <= maxBytes) return bytes
  let end = maxBytes
  while (end > 0 && ((bytes[end] as number) & 0xc0) === 0x80) end--
  return bytes.slice(0, end)
}
