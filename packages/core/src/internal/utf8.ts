/** The part of Node's `Buffer` that is used where it is there: its native string methods beat `TextDecoder` on short strings. */
interface NativeBuffer {
  readonly from: (text: string, encoding: 'utf8') => Uint8Array
  readonly byteLength: (text: string) => number
  readonly prototype: {
    readonly utf8Slice?: (this: Uint8Array, start: number, end: number) => string
    readonly utf8Write?: (this: Uint8Array, text: string, offset: number) => number
  }
}

interface TextCoding {
  readonly TextEncoder: new () => { encode(text: string): Uint8Array; encodeInto(text: string, into: Uint8Array): { written: number } }
  readonly TextDecoder: new (label: string, options: { ignoreBOM: boolean }) => { decode(bytes: Uint8Array): string }
  readonly Buffer?: NativeBuffer
}

const coding = globalThis as unknown as TextCoding
const encoder = new coding.TextEncoder()
// A byte order mark is part of the text, as in Java.
const decoder = new coding.TextDecoder('utf-8', { ignoreBOM: true })
const native = coding.Buffer

/** Text of UTF-8 bytes; malformed input becomes U+FFFD, as in Java. */
export const decodeUtf8: (bytes: Uint8Array, start: number, end: number) => string = (() => {
  const slice = native?.prototype.utf8Slice
  if (slice === undefined) return (bytes: Uint8Array, start: number, end: number) => decoder.decode(bytes.subarray(start, end))
  return (bytes: Uint8Array, start: number, end: number) => slice.call(bytes, start, end)
})()

export const encodeUtf8: (text: string) => Uint8Array =
  native === undefined ? (text) => encoder.encode(text) : (text) => native.from(text, 'utf8')
