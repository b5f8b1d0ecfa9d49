import { printable } from '../command-line/table.ts'

/** Bytes as JSON has them: text where they are UTF-8, else base64. */
export type JsonBytes = { readonly text: string } | { readonly base64: string } | null

export function jsonBytes(bytes: Uint8Array | null): JsonBytes {
  if (bytes === null) return null
  const text = textOf(bytes)
  return text === undefined ? { base64: Buffer.from(bytes).toString('base64') } : { text }
}

/** Bytes for people: text, or hexadecimal; at most `maxBytes` of them. */
export function shownBytes(bytes: Uint8Array | null, maxBytes = Infinity): string {
  if (bytes === null) return 'null'
  const shown = bytes.length > maxBytes ? bytes.subarray(0, maxBytes) : bytes
  const more = bytes.length > maxBytes ? `... (${bytes.length} bytes)` : ''
  // The whole decides what it is: half of a character at the cut does not make it binary.
  if (textOf(bytes) === undefined) return `0x${Buffer.from(shown).toString('hex')}${more}`
  return `${printable(new TextDecoder().decode(shown))}${more}`
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    // Numbers of four or eight bytes are UTF-8 as well, and nobody's text.
    return text.includes('\u0000') ? undefined : text
  } catch {
    return undefined
  }
}
