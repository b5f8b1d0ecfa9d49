import { type BytesColumn, columnByteLength, MillraceError, type Serde, serializeColumn, viewColumn } from '@millrace/core'
import { textOfBytes } from '../../internal/bytes-text.ts'
import type { Entry } from './entry.ts'

/** Up to this many bytes a value, it is cheaper to make them when they are wanted than to keep them. */
const LATE_BYTES = 64

/** What entries are to hold of values, by position: their bytes, or undefined if all are held as they are. */
export type Contents = readonly Uint8Array[] | undefined

/** The serdes of one store, and what can be told from them. Types are erased here: the definition has them. */
export class StoreCodec {
  /** Keys can stand for themselves in a map; otherwise a string of their bytes does. */
  readonly identity: boolean
  readonly #store: string
  readonly #key: Serde<unknown>
  readonly #value: Serde<unknown>
  readonly #immutable: boolean
  /** A value stands for its bytes: it is read as it was written, whether or not it has been bytes in between. */
  readonly #late: boolean

  constructor(store: string, key: Serde<unknown>, value: Serde<unknown>) {
    this.identity = key.identity === true
    this.#store = store
    this.#key = key
    this.#value = value
    this.#immutable = value.immutable === true
    this.#late = this.#immutable && value.identity === true
  }

  /** What stands for a key in a map. */
  idOf(key: unknown, keyBytes: Uint8Array): unknown {
    return this.identity ? key : textOfBytes(keyBytes)
  }

  keyBytes(key: unknown): Uint8Array {
    if (key === undefined || key === null) throw new TypeError(`Store '${this.#store}': a key can't be ${String(key)}.`)
    const bytes = this.#serialize('key', this.#key, key)
    if (bytes === null) throw new TypeError(`Store '${this.#store}': a key was serialised to null; keys need bytes.`)
    return own(bytes, key)
  }

  keyOf(bytes: Uint8Array): unknown {
    return this.#deserialize('key', this.#key, bytes)
  }

  valueBytes(value: unknown): Uint8Array {
    if (value === undefined || value === null) {
      throw new TypeError(`Store '${this.#store}': a value can't be ${String(value)}; use delete() to remove an entry.`)
    }
    const bytes = this.#serialize('value', this.#value, value)
    if (bytes === null) throw new TypeError(`Store '${this.#store}': a value was serialised to null, which means "no entry"; use delete().`)
    return own(bytes, value)
  }

  /** What an entry is to hold of a value: its bytes, or undefined for one that it holds as it is. Throws if the value is refused. */
  content(value: unknown): Uint8Array | undefined {
    const bytes = this.valueBytes(value)
    return this.#late && bytes.byteLength <= LATE_BYTES ? undefined : bytes
  }

  /** The same for many. Throws if one is refused. */
  contents(values: readonly unknown[]): Contents {
    return this.#late && this.#allSmall(values) ? undefined : values.map((value) => this.valueBytes(value))
  }

  /**
   * The same for `values`, the last of each key of what were `all`. Throws also if one is refused that another has replaced: which are replaced
   * depends on how batches are cut.
   */
  lastContents(values: readonly unknown[], all: readonly unknown[]): Contents {
    // Others were checked when they were read again.
    return this.#late && this.contents(all) === undefined ? undefined : this.contents(values)
  }

  /** Puts a value into an entry that has none. */
  fill(entry: Entry, value: unknown, content: Uint8Array | undefined): void {
    if (content !== undefined) entry.hold(content)
    else entry.holdLate(positiveZero(value), this.#encode)
  }

  /** The values of entries, null for deletions. Those whose bytes are not made yet are made together, where all are such. */
  columnOf(entries: readonly Entry[]): BytesColumn {
    if (!entries.every(({ isLate }) => isLate)) return viewColumn(entries.map(({ value }) => value ?? null))
    const values = entries.map(({ decoded }) => decoded)
    return serializeColumn(this.#value, values)
  }

  /**
   * The value of an entry; undefined for a deletion. Always decoded, also for the task that has just written it: what is read must not depend on
   * when a commit was. Mutable values are decoded anew each time, so that nobody changes another's.
   */
  valueOf(entry: Entry): unknown {
    if (entry.decoded !== undefined) return entry.decoded
    const { value } = entry
    if (value === undefined) return undefined
    const decoded = this.decode(value)
    if (this.#immutable) entry.decoded = decoded
    return decoded
  }

  /** What is read of a value that was just written. Throws if the value is refused, unless it stands for its bytes: see `lastContents`. */
  readAgain(value: unknown): unknown {
    return this.#late ? positiveZero(value) : this.decode(this.valueBytes(value))
  }

  decode(valueBytes: Uint8Array): unknown {
    return this.#deserialize('value', this.#value, this.#immutable ? valueBytes : plain(valueBytes))
  }

  readonly #encode = (value: unknown): Uint8Array => this.valueBytes(value)

  /** Whether all values are accepted, and small. Which one is not, and why, turns out when it is serialised by itself. */
  #allSmall(values: readonly unknown[]): boolean {
    for (let i = 0; i < values.length; i++) if (values[i] === undefined || values[i] === null) return false
    try {
      const { byteLength } = this.#value
      if (byteLength !== undefined) return values.every((value) => byteLength(value) <= LATE_BYTES)
      const column = serializeColumn(this.#value, values)
      return !hasNull(column) && columnByteLength(column) <= LATE_BYTES * values.length
    } catch {
      return false
    }
  }

  #serialize(what: 'key' | 'value', serde: Serde<unknown>, from: unknown): Uint8Array | null {
    try {
      return serde.serialize(from)
    } catch (cause) {
      throw new MillraceError('SERIALIZATION_FAILED', `Store '${this.#store}': a ${what} was refused: ${messageOf(cause)}`, {
        stage: 'store',
        cause,
      })
    }
  }

  #deserialize(what: 'key' | 'value', serde: Serde<unknown>, bytes: Uint8Array): unknown {
    try {
      return serde.deserialize(bytes, 0, bytes.byteLength)
    } catch (cause) {
      const text = `Store '${this.#store}': a stored ${what} can't be decoded (was it written with another serde?): ${messageOf(cause)}`
      throw new MillraceError('DESERIALIZATION_FAILED', text, { stage: 'store', cause })
    }
  }
}

/** -0 has the bytes of 0. */
function positiveZero(value: unknown): unknown {
  return value === 0 ? 0 : value
}

function hasNull(column: BytesColumn): boolean {
  if (column.form === 'views') return column.views.includes(null)
  for (let i = 0; i < column.length; i++) if ((column.ends[i] as number) < 0) return true
  return false
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** A Buffer's slice() is a view: a serde that means to copy with it would hand out the store's own bytes. */
function plain(bytes: Uint8Array): Uint8Array {
  return Buffer.isBuffer(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : bytes
}

/** A serde of bytes may hand back what it was given, or a part of it, which its owner may change later. */
function own(bytes: Uint8Array, from: unknown): Uint8Array {
  return from instanceof Uint8Array && from.buffer === bytes.buffer ? new Uint8Array(bytes) : bytes
}
