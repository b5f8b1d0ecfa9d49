import {
  byteLengthAt,
  bytesAt,
  type BytesColumn,
  columnByteLength,
  deserializeColumn,
  headerBytes,
  type Headers,
  type MillraceError,
  NO_HEADERS,
  type Serde,
  sliceColumn,
  type SourceNode,
  type WireBatch,
} from '@millrace/core'
import { type UndecodablePart, UndecodableRecord } from './undecodable-record.ts'

/** A record as it was read. */
export interface RawRecord {
  readonly offset: number
  /** Milliseconds since the epoch; -1 where the log has none. */
  readonly timestamp: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: Headers
}

/**
 * One wire batch in the queue of its partition, decoded as a whole when its first record is next. Records that can't be decoded are marked:
 * what is to be done with them is decided when their turn comes, never while reading ahead. A column in which there is nothing that can't be
 * decoded is left until somebody asks for it.
 */
export class DecodedChunk {
  readonly wire: WireBatch
  /** Milliseconds since the epoch. */
  readonly arrivedAt: number
  readonly bytes: number
  timestamps: Float64Array = new Float64Array(0)
  #failures: Map<number, MillraceError> | undefined
  #decoded = false
  /** Undefined while it is left for later. */
  #keys: readonly unknown[] | undefined
  #values: readonly unknown[] | undefined
  #source: SourceNode | undefined
  #lastTime = -1

  constructor(wire: WireBatch, arrivedAt: number) {
    this.wire = wire
    this.arrivedAt = arrivedAt
    this.bytes = bytesBetween(wire, 0, wire.length)
  }

  /** `partitionTime`: the highest timestamp of the partition before this chunk. Returns the same after it. */
  decode(source: SourceNode, partitionTime: number): number {
    if (this.#decoded) return Math.max(partitionTime, this.#lastTime)
    this.#decoded = true
    const { keys, values } = this.wire
    this.#source = source
    // Who extracts timestamps is given whole records.
    const waits = source.timestamp === undefined
    if (!(waits && canWait(source.key, keys))) this.#keys = this.#decodeNow(source, 'key', keys)
    if (!(waits && canWait(source.value, values))) this.#values = this.#decodeNow(source, 'value', values)
    this.timestamps = this.#extractTimestamps(source, partitionTime)
    return this.#lastTime
  }

  /** Whether what {@link keys} or {@link values} give is made of the wire batch's bytes. */
  waits(part: 'keys' | 'values'): boolean {
    return (part === 'keys' ? this.#keys : this.#values) === undefined
  }

  /** What the part is decoded with, once {@link decode} was called. */
  serde(part: 'keys' | 'values'): Serde<unknown> {
    return (this.#source as SourceNode)[part === 'keys' ? 'key' : 'value']
  }

  /** The keys from row `from` (inclusive) to `to` (exclusive). */
  keys(from: number, to: number): readonly unknown[] {
    return this.#keys?.slice(from, to) ?? this.#decodeLate('key', from, to)
  }

  /** The values from row `from` (inclusive) to `to` (exclusive). */
  values(from: number, to: number): readonly unknown[] {
    return this.#values?.slice(from, to) ?? this.#decodeLate('value', from, to)
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

  /** Record `row` as it was read: copies of its bytes. */
  raw(row: number): RawRecord {
    const { offsets, timestamps, keys, values } = this.wire
    return {
      offset: offsets[row] as number,
      timestamp: timestamps[row] as number,
      key: copyOf(bytesAt(keys, row)),
      value: copyOf(bytesAt(values, row)),
      headers: this.headers(row).map(({ key, value }) => ({ key, value: copyOf(value) })),
    }
  }

  headers(row: number): Headers {
    return this.wire.headers?.[row] ?? NO_HEADERS
  }

  /** Serialised bytes from row `from` (inclusive) to `to` (exclusive). */
  bytesBetween(from: number, to: number): number {
    return to - from === this.wire.length ? this.bytes : bytesBetween(this.wire, from, to)
  }

  recordBytes(row: number): number {
    return byteLengthAt(this.wire.keys, row) + byteLengthAt(this.wire.values, row) + headerBytes(this.wire.headers?.[row])
  }

  /** Throws for a record that can't be decoded: the serde had said that there is none. */
  #decodeLate(part: 'key' | 'value', from: number, to: number): readonly unknown[] {
    const source = this.#source as SourceNode
    const column = sliceColumn(part === 'key' ? this.wire.keys : this.wire.values, from, to)
    const { values, failures } = deserializeColumn(source[part], column)
    const [failed] = failures
    if (failed !== undefined) throw this.#undecodable(source, from + failed.index, part, failed.error)
    return values
  }

  #decodeNow(source: SourceNode, part: 'key' | 'value', column: BytesColumn): readonly unknown[] {
    const { values, failures } = deserializeColumn(source[part], column)
    for (const { index, error } of failures) this.#fail(source, index, part, error)
    return values
  }

  #extractTimestamps(source: SourceNode, partitionTime: number): Float64Array {
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
      key: this.#keys?.[row],
      value: this.#values?.[row],
      timestamp,
      headers: this.headers(row),
      topic,
      partition,
      offset: offsets[row] as number,
    }
  }

  #fail(source: SourceNode, row: number, part: UndecodablePart, error: unknown): void {
    this.#failures ??= new Map()
    if (!this.#failures.has(row)) this.#failures.set(row, this.#undecodable(source, row, part, error))
  }

  #undecodable(source: SourceNode, row: number, part: UndecodablePart, error: unknown): MillraceError {
    const { topic, partition, offsets } = this.wire
    const offset = offsets[row] as number
    const bytes = part === 'timestamp' ? undefined : bytesAt(part === 'key' ? this.wire.keys : this.wire.values, row)
    const size = bytes === undefined ? '' : bytes === null ? ' (null)' : ` (${bytes.byteLength} bytes)`
    const reason = error instanceof Error ? error.message : String(error)
    return new UndecodableRecord(
      part,
      `Source '${source.name}' can't decode the ${part}${size} of ${topic}-${partition}, offset ${offset}: ${reason} ` +
        `Correct the source's serde, or move the group's offset past this record.`,
      { cause: error, node: source.name, topic, partition, offset },
    )
  }
}

/** Not `slice`: of a Node Buffer it would be a view. */
function copyOf(bytes: Uint8Array | null): Uint8Array | null {
  return bytes === null ? null : new Uint8Array(bytes)
}

/** Whether nothing of a column can fail: whatever its bytes, the serde takes them, and where it does not take null there is none. */
function canWait(serde: Serde<unknown>, column: BytesColumn): boolean {
  if (serde.total !== true) return false
  if (serde.deserializeNull !== undefined) return true
  if (column.form === 'views') return !column.views.includes(null)
  for (let i = 0; i < column.length; i++) if ((column.ends[i] as number) < 0) return false
  return true
}

function bytesBetween({ keys, values, headers }: WireBatch, from: number, to: number): number {
  let bytes = columnByteLength(keys, from, to) + columnByteLength(values, from, to)
  for (let row = from; headers !== undefined && row < to; row++) bytes += headerBytes(headers[row])
  return bytes
}
