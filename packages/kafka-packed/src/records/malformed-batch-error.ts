/** Bytes that are no record batch of Kafka's, or one that this client can't read. What was read before them is good. */
export class MalformedBatchError extends Error {
  override readonly name = 'MalformedBatchError'
  /** The first offset of the batch as it says itself; -1 where it could not be read. */
  readonly offset: number

  constructor(reason: string, offset = -1, cause?: unknown) {
    super(offset < 0 ? reason : `${reason} (record batch at offset ${offset})`, cause === undefined ? undefined : { cause })
    this.offset = offset
  }
}
