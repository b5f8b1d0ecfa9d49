import { type BytesColumn, columnByteLength, MillraceError, type Serde, serializeColumn, viewColumn } from '@millrace/core'
import { type Change, type Content, type KeyColumn, LATE, type SlotTable } from './slot-table.ts'

/** Up to this many bytes a value, it is cheaper to make them when they are wanted than to keep them. */
const LATE_BYTES = 64
/** The bytes of a primitive that is no text. */
const PRIMITIVE_BYTES = 8

/** What is to be held of values, by position: their bytes, or undefined if all are held as they are. */
export type Contents = readonly Uint8Array[] | undefined

/** The serdes of one store, and what can be told from them. Types are erased here: the definition has them. */
export class StoreCodec {
  readonly #store: string
  readonly #key: Serde<unknown>
  readonly #value: Serde<unknown>
  readonly #immutable: boolean
  /** A value stands for its bytes: it is read as it was written, whether or not it has been bytes in between. */
  readonly #late: boolean

  constructor(store: string, key: Serde<unknown>, value: Serde<unknown>) {
    this.#store = store
    this.#key = key
    this.#value = value
    this.#immutable = value.immutable === true
    this.#late = this.#immutable && value.identity === true
  }

  keyBytes(key: unknown): Uint8Array {
    if (key === undefined || key === null) throw new TypeError(`Store '${this.#store}': a key can't be ${String(key)}.`)
    const bytes = this.#serialize('key', this.#key, key)
    if (bytes === null) throw new TypeError(`Store '${this.#store}': a key was serialised to null; keys need bytes.`)
    return own(bytes, key)
  }

  /** The bytes of many keys. Throws if one of them is refused. */
  keyColumn(keys: readonly unknown[]): KeyColumn {
    let column: BytesColumn | undefined
    try {
      column = areThere(keys) ? serializeColumn(this.#key, keys) : undefined
    } catch {
      // Below, one by one, it turns out which one is refused, and what is said of it.
    }
    if (column?.form === 'packed' && !hasNull(column)) return column
    const views = column?.form === 'views' ? column.views : undefined
    return packed(Array.from(keys, (key, i) => views?.[i] ?? this.keyBytes(key)))
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

  /** What is to be held of a value: its bytes, or undefined for one that is held as it is. Throws if the value is refused. */
  content(value: unknown): Uint8Array | undefined {
    const bytes = this.valueBytes(value)
    return this.#late && bytes.byteLength <= LATE_BYTES ? undefined : bytes
  }

  /** The same for many. Throws if one is refused. */
  contents(values: readonly unknown[]): Contents {
    return this.#late && this.#allSmall(values) ? undefined : Array.from(values, (value) => this.valueBytes(value))
  }

  /**
   * The same for `values`, the last of each key of what were `all`. Throws also if one is refused that another has replaced: which are replaced
   * depends on how batches are cut.
   */
  lastContents(values: readonly unknown[], all: readonly unknown[]): Contents {
    // Others were checked when they were read again.
    return this.#late && this.contents(all) === undefined ? undefined : this.contents(values)
  }

  /** Says of a change that it is to this value. `content`: see `content`. */
  fill(change: Change, value: unknown, content: Uint8Array | undefined): void {
    if (content === undefined) {
      change.content = LATE
      change.decoded = positiveZero(value)
      change.bytes = typeof value === 'string' ? value.length : PRIMITIVE_BYTES
    } else {
      change.content = content
      change.decoded = undefined
      change.bytes = content.byteLength
    }
  }

  /** The bytes of what is held; undefined for a deletion. */
  bytesOf(content: Content, decoded: unknown): Uint8Array | undefined {
    return content === LATE ? this.valueBytes(decoded) : content
  }

  /** The same of many, null for deletions. Those whose bytes are not made yet are made together, where all are such. */
  columnOf(contents: readonly Content[], decoded: readonly unknown[]): BytesColumn {
    if (contents.every((content) => content === LATE)) return serializeColumn(this.#value, decoded)
    return viewColumn(contents.map((content, i) => this.bytesOf(content, decoded[i]) ?? null))
  }

  /**
   * The value of a key; undefined for a deletion. Always decoded, also for the task that has just written it: what is read must not depend on
   * when a commit was. Mutable values are decoded anew each time, so that nobody changes another's.
   */
  valueAt(table: SlotTable, slot: number): unknown {
    return table.decodedOf(slot) ?? this.decodeAt(table, slot, table.contentOf(slot))
  }

  /** The value that `content` is, which is, or was, that of a slot; -1: of none. */
  decodeAt(table: SlotTable, slot: number, content: Content): unknown {
    if (content === undefined || content === LATE) return undefined
    const decoded = this.decode(content)
    // The serde is the user's, and may have used the store itself: the slot may be another key's by now.
    if (this.#immutable && slot >= 0 && table.contentOf(slot) === content)
      table.hasDecoded(slot, decoded, this.#late && content.byteLength <= LATE_BYTES ? LATE : content)
    return decoded
  }

  /** What is read of a value that was just written. Throws if the value is refused, unless it stands for its bytes: see `lastContents`. */
  readAgain(value: unknown): unknown {
    return this.#late ? positiveZero(value) : this.decode(this.valueBytes(value))
  }

  decode(valueBytes: Uint8Array): unknown {
    return this.#deserialize('value', this.#value, this.#immutable ? valueBytes : plain(valueBytes))
  }

  /** Whether all values are accepted, and small. Which one is not, and why, turns out when it is serialised by itself. */
  #allSmall(values: readonly unknown[]): boolean {
    if (!areThere(values)) return false
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

/** Whether none is missing: an array may have holes. */
function areThere(all: readonly unknown[]): boolean {
  for (let i = 0; i < all.length; i++) if (all[i] === undefined || all[i] === null) return false
  return true
}

/** Copies them into one array. */
function packed(all: readonly Uint8Array[]): KeyColumn {
  const { length } = all
  const starts = new Int32Array(length)
  const ends = new Int32Array(length)
  let at = 0
  for (const [i, one] of all.entries()) {
    starts[i] = at
    at += one.byteLength
    ends[i] = at
  }
  const bytes = new Uint8Array(at)
  for (const [i, one] of all.entries()) bytes.set(one, starts[i])
  return { length, bytes, starts, ends }
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
