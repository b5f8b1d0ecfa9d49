/** Lines of text that lie in one buffer: line `i` spans `starts[i]` (inclusive) to `ends[i]` (exclusive). */
export interface Lines {
  readonly bytes: Uint8Array
  readonly starts: readonly number[]
  readonly ends: readonly number[]
}

const LF = 0x0a
const CR = 0x0d

/**
 * Cuts text into lines, at `\n` and `\r\n`, whatever the pieces it comes in. Bytes are left as they are: neither sign is part of another one
 * in UTF-8, nor in anything that is malformed.
 */
export class LineSplitter {
  readonly #maxLineBytes: number
  #begun: Uint8Array[] = []
  #begunBytes = 0
  #lines = 0

  /** `maxLineBytes`: what a line may have; a longer one makes `push` throw. */
  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes
  }

  /** Lines that were handed out so far. */
  get lines(): number {
    return this.#lines
  }

  /** The lines that end in `piece`. They share its memory. */
  push(piece: Uint8Array): Lines {
    const last = piece.lastIndexOf(LF)
    if (last < 0) {
      this.#keep(piece)
      return { bytes: piece, starts: [], ends: [] }
    }
    const bytes = this.#begunBytes === 0 ? piece : Buffer.concat([...this.#begun, piece])
    const complete = bytes.length - (piece.length - last - 1)
    this.#begun = []
    this.#begunBytes = 0
    const lines = cut(bytes, complete)
    this.#count(lines)
    if (last + 1 < piece.length) this.#keep(piece.subarray(last + 1))
    return lines
  }

  /** The last line, if it does not end in `\n`. */
  end(): Lines {
    const bytes = Buffer.concat(this.#begun)
    this.#begun = []
    this.#begunBytes = 0
    const lines = bytes.length === 0 ? { bytes, starts: [], ends: [] } : { bytes, starts: [0], ends: [bytes.length] }
    this.#count(lines)
    return lines
  }

  #keep(piece: Uint8Array): void {
    this.#begun.push(piece)
    this.#begunBytes += piece.length
    if (this.#begunBytes > this.#maxLineBytes) throw this.#tooLong(this.#lines + 1)
  }

  #count({ starts, ends }: Lines): void {
    for (let i = 0; i < starts.length; i++) {
      if ((ends[i] as number) - (starts[i] as number) > this.#maxLineBytes) throw this.#tooLong(this.#lines + i + 1)
    }
    this.#lines += starts.length
  }

  #tooLong(line: number): Error {
    return new Error(`line ${line} has more than ${this.#maxLineBytes} bytes, and a line is one record`)
  }
}

/** The lines of the first `length` bytes, which end in `\n`. */
function cut(bytes: Uint8Array, length: number): Lines {
  const starts: number[] = []
  const ends: number[] = []
  for (let start = 0; start < length;) {
    const end = bytes.indexOf(LF, start)
    starts.push(start)
    ends.push(end > start && bytes[end - 1] === CR ? end - 1 : end)
    start = end + 1
  }
  return { bytes, starts, ends }
}
