/** Bytes that may wait before accepting waits. */
const MAX_QUEUED_BYTES = 16 * 1024 * 1024

/** Runs deliveries one after the other, behind the back of who accepted them. */
export class DeliveryQueue {
  #queuedBytes = 0
  #tail: Promise<void> = Promise.resolve()
  readonly #waiting: (() => void)[] = []

  /** Resolves when the delivery has been accepted, not when it has run: at once, unless too much is waiting. A delivery never rejects. */
  async push(byteLength: number, deliver: () => Promise<void>): Promise<void> {
    while (this.#queuedBytes >= MAX_QUEUED_BYTES) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#queuedBytes += byteLength
    this.#tail = this.#tail.then(deliver).then(() => {
      this.#queuedBytes -= byteLength
      for (const resume of this.#waiting.splice(0)) resume()
    })
  }

  /** Resolves when everything accepted so far has run. */
  idle(): Promise<void> {
    return this.#tail
  }
}
