import { writeInt64 } from '../records/int64.ts'
import { byTopic } from './by-topic.ts'

/** Writes what requests are made of, in the flexible versions of the protocol. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(512)
  #view = viewOf(this.#bytes)
  #at = 0

  int8(value: number): this {
    // Before anything is asked of the view, which is another once there was no room.
    const at = this.#take(1)
    this.#view.setInt8(at, value)
    return this
  }

  int16(value: number): this {
    const at = this.#take(2)
    this.#view.setInt16(at, value)
    return this
  }

  int32(value: number): this {
    const at = this.#take(4)
    this.#view.setInt32(at, value)
    return this
  }

  int64(value: number): this {
    const at = this.#take(8)
    writeInt64(this.#view, at, value)
    return this
  }

  unsignedVarint(value: number): this {
    let rest = value
    for (; rest >= 0x80; rest >>>= 7) this.int8((((rest & 0x7f) | 0x80) << 24) >> 24)
    return this.int8(rest)
  }

  string(value: string | null): this {
    if (value === null) return this.unsignedVarint(0)
    const length = Buffer.byteLength(value)
    this.unsignedVarint(length + 1)
    const at = this.#take(length)
    this.#bytes.write(value, at)
    return this
  }

  array<T>(items: readonly T[], write: (item: T) => void): this {
    this.unsignedVarint(items.length + 1)
    for (const item of items) write(item)
    return this
  }

  /** What requests say of partitions: each topic once, and `write` at each of its partitions. `name`: writes which topic. Default: by its name. */
  topics<T extends { readonly topic: string }>(
    items: readonly T[],
    write: (item: T) => void,
    name: (topic: string) => unknown = (topic) => this.string(topic),
  ): this {
    return this.array([...byTopic(items)], ([topic, ofTopic]) => {
      name(topic)
      this.array(ofTopic, write).noTags()
    })
  }

  /** As it is written for people. */
  uuid(id: string): this {
    const at = this.#take(16)
    this.#bytes.write(id.replaceAll('-', ''), at, 'hex')
    return this
  }

  /** No tagged fields. */
  noTags(): this {
    return this.int8(0)
  }

  finish(): Buffer {
    return this.#bytes.subarray(0, this.#at)
  }

  #take(length: number): number {
    const at = this.#at
    this.#at += length
    if (this.#at > this.#bytes.length) {
      const bytes = Buffer.allocUnsafe(Math.max(this.#at, this.#bytes.length * 2))
      bytes.set(this.#bytes.subarray(0, at))
      this.#bytes = bytes
      this.#view = viewOf(bytes)
    }
    return at
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
