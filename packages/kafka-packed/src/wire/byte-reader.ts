import type { Reader } from '@platformatic/kafka'

/** The bytes of a response as they arrived, in pieces. */
export type ArrivedBytes = Reader['buffer']

/** Reads what answers are made of, in the flexible versions of the protocol, never beyond their end: then it throws. */
export class ByteReader {
  readonly #bytes: ArrivedBytes
  #at = 0

  constructor(bytes: ArrivedBytes) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  int16(): number {
    return this.#take(2).readInt16BE()
  }

  int32(): number {
    return this.#take(4).readInt32BE()
  }

  int64(): number {
    const bytes = this.#take(8)
    return bytes.readInt32BE() * 4_294_967_296 + bytes.readUInt32BE(4)
  }

  unsignedVarint(): number {
    let value = 0
    for (let unit = 1; unit <= 2 ** 28; unit *= 128) {
      const byte = this.#take(1)[0] as number
      value += (byte & 0x7f) * unit
      if (byte < 0x80) return value
    }
    throw new RangeError('a number is longer than numbers are')
  }

  string(): string | null {
    const length = this.unsignedVarint() - 1
    return length < 0 ? null : this.#take(length).toString()
  }

  /** Bytes of their own: nothing else of the answer is kept with them, if they came in several pieces. */
  bytes(): Uint8Array | null {
    const length = this.unsignedVarint() - 1
    return length < 0 ? null : this.#take(length)
  }

  /** An array that is null is empty. */
  array<T>(read: () => T): T[] {
    const length = this.unsignedVarint() - 1
    // No item is shorter than a byte.
    if (length > this.left) throw new RangeError('an array has more items than bytes for them')
    const items: T[] = []
    for (let i = 0; i < length; i++) items.push(read())
    return items
  }

  /** As it is written for people. */
  uuid(): string {
    return this.#take(16)
      .toString('hex')
      .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
  }

  /** What answers tell of partitions: `read` is given the topic, at each partition. `name`: reads which it is. Default: by its name. */
  topics<T>(read: (topic: string) => T, name: () => string = () => this.string() ?? ''): T[] {
    return this.array(() => {
      const topic = name()
      const ofTopic = this.array(() => read(topic))
      this.tags()
      return ofTopic
    }).flat()
  }

  /** Those that `read` knows, by their number; others are passed over. */
  tags(read?: (tag: number, field: ByteReader) => void): void {
    for (let left = this.unsignedVarint(); left > 0; left--) {
      const tag = this.unsignedVarint()
      const length = this.unsignedVarint()
      this.#check(length)
      read?.(tag, new ByteReader(this.#bytes.subarray(this.#at, this.#at + length)))
      this.#at += length
    }
  }

  #take(length: number): Buffer {
    this.#check(length)
    const bytes = this.#bytes.slice(this.#at, this.#at + length)
    this.#at += length
    return bytes
  }

  #check(length: number): void {
    if (length > this.left) throw new RangeError(`an answer ends ${length - this.left} bytes too early`)
  }
}
