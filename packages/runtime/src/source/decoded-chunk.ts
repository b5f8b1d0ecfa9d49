import {
  byteLengthAt,
  bytesAt,
  columnByteLength,
  deserializeColumn,
  type Headers,
  MillraceError,
  NO_HEADERS,
  type SourceNode,
  type WireBatch,
} from '@millrace/core'

/**
 * One wire batch in the queue of its partition, decoded as a whole when its first record is next. Records that can't be decoded are marked:
 * what is to be done with them is decided when their turn comes, never while reading ahead.
 */
export class DecodedChunk {
  readonly wire: WireBatch
  /** Milliseconds since the epoch. */
  readonly arrivedAt: number
  readonly bytes: number
  keys: readonly unknown[] = []
  values: readonly unknown[] = []
  timestamps: ArrayLike<number> = []
  #failures: Map<number, MillraceError> | undefined
  #decoded = false
  #lastTime = -1

  constructor(wire: WireBatch, arrivedAt: number) {
    this.wire = wire
    this.arrivedAt = arrivedAt
    this.bytes = columnByteLength(wire.keys) + columnByteLength(wire.values)
  }

  /** `partitionTime`: the highest timestamp of the partition before this chunk. Returns the same after it. */
  decode(source: SourceNode, partitionTime: number): number {
    if (this.#decoded) return Math.max(partitionTime, this.#lastTime)
    this.#decoded = true
    const keys = deserializeColumn(source.key, this.wire.keys)
    const values = deserializeColumn(source.value, this.wire.values)
    this.keys = keys.values
    this.values = values.values
    for (const { index, error } of keys.failures) this.#fail(source, index, 'key', error)
    for (const { index, error } of values.failures) this.#fail(source, index, 'value', error)
    this.timestamps = this.#extractTimestamps(source, partitionTime)
    return this.#lastTime
  }

  /** Why record `row` can't be processed, if it can't. */
  failure(row: number): MillraceError | undefined {
    return this.#failures?.get(row)
  }

  /** The first row from `from` on that can't be processed, or `to`. */
  firstFailure(from: number, to: number): number {
    if (this.#failures !== undefined) for (let row = from; row < to; row++) if (this.#failures.has(row)) return row
    return to
  }

  headers(row: number): Headers {
    return this.wire.headers?.[row] ?? NO_HEADERS
  }

  recordBytes(row: number): number {
    return byteLengthAt(this.wire.keys, row) + byteLengthAt(this.wire.values, row)
  }

  #extractTimestamps(source: SourceNode, partitionTime: number): ArrayLike<number> {
    const { wire } = this
    const extract = source.timestamp
    const timestamps = new Float64Array(wire.length)
    let time = partitionTime
    for (let row = 0; row < wire.length; row++) {
      let timestamp = wire.timestamps[row] as number
      // A record that can't be processed has its place among those of other partitions all the same.
      timestamps[row] = Math.max(0, timestamp)
      if (this.#failures?.has(row)) continue
      if (extract !== undefined) {
        try {
          timestamp = extract(this.#record(row, timestamp), time)
        } catch (error) {
          this.#fail(source, row, 'timestamp', error)
          continue
        }
      }
      if (!Number.isFinite(timestamp) || timestamp < 0) {
        this.#fail(
          source,
          row,
          'timestamp',
          new RangeError(`${timestamp} is no timestamp; it must be a number of milliseconds, at least 0.`),
        )
        continue
      }
      timestamps[row] = timestamp
      if (timestamp > time) time = timestamp
    }
    this.#lastTime = time
    return timestamps
  }

  #record(row: number, timestamp: number) {
    const { topic, partition, offsets } = this.wire
    return {
      key: this.keys[row],
      value: this.values[row],
      timestamp,
      headers: this.headers(row),
      topic,
      partition,
      offset: offsets[row] as number,
    }
  }

  #fail(source: SourceNode, row: number, part: 'key' | 'value' | 'timestamp', error: unknown): void {
    const { topic, partition, offsets } = this.wire
    const offset = offsets[row] as number
    const bytes = part === 'timestamp' ? undefined : bytesAt(part === 'key' ? this.wire.keys : this.wire.values, row)
    const size = bytes === undefined ? '' : bytes === null ? ' (null)' : ` (${bytes.byteLength} bytes)`
    const reason = error instanceof Error ? error.message : String(error)
    this.#failures ??= new Map()
    if (this.#failures.has(row)) return
    this.#failures.set(
      row,
      new MillraceError(
        'RECORD_UNDECODABLE',
        `Source '${source.name}' can't decode the ${part}${size} of ${topic}-${partition}, offset ${offset}: ${reason} ` +
          `Correct the source's serde, or move the group's offset past this record.`,
        { stage: 'source', cause: error, node: source.name, topic, partition, offset },
      ),
    )
  }
}
