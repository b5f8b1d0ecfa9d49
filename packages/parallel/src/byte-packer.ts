/** The length of bytes; 0 of anything else. */
export function byteLengthOf(value: unknown): number {
  return value instanceof Uint8Array ? value.byteLength : 0
}

/**
 * Copies bytes into one buffer, which can be handed to a thread. Sent as they are, they would take the whole buffer along in which they lie: a
 * batch of the transport, which is the engine's.
 */
export class BytePacker {
  readonly #bytes: Uint8Array<ArrayBuffer>
  #at = 0

  /** `byteLength`: of all that will be copied. */
  constructor(byteLength: number) {
    this.#bytes = new Uint8Array(byteLength)
  }

  get buffer(): ArrayBuffer {
    return this.#bytes.buffer
  }

  /** A copy of bytes in the buffer; anything else as it is. */
  pack<T>(value: T): T | Uint8Array {
    if (!(value instanceof Uint8Array)) return value
    const from = this.#at
    this.#at += value.byteLength
    this.#bytes.set(value, from)
    return this.#bytes.subarray(from, this.#at)
  }
}
