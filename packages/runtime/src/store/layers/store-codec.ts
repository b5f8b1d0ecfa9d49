import type { Serde } from '@millrace/core'
import type { Entry } from './entry.ts'

/** The serdes of one store, and what can be told from them. Types are erased here: the definition has them. */
export class StoreCodec {
  readonly #store: string
  readonly #key: Serde<unknown>
  readonly #value: Serde<unknown>
  readonly #identity: boolean
  readonly #immutable: boolean

  constructor(store: string, key: Serde<unknown>, value: Serde<unknown>) {
    this.#store = store
    this.#key = key
    this.#value = value
    this.#identity = key.identity === true
    this.#immutable = value.immutable === true
  }

  /** What stands for a key in a map: the key itself where equal keys have equal bytes, else a string of its bytes. */
  idOf(key: unknown): unknown {
    return this.#identity ? key : binary(this.keyBytes(key))
  }

  keyBytes(key: unknown): Uint8Array {
    if (key === undefined || key === null) throw new TypeError(`Store '${this.#store}': a key can't be ${String(key)}.`)
    const bytes = this.#key.serialize(key)
    if (bytes === null) throw new TypeError(`Store '${this.#store}': a key was serialised to null; keys need bytes.`)
    return bytes === key ? bytes.slice() : bytes
  }

  keyOf(bytes: Uint8Array): unknown {
    return this.#key.deserialize(bytes, 0, bytes.byteLength)
  }

  /** The entry that sets `key` to `value`. */
  entry(key: unknown, value: unknown, timestamp: number): Entry {
    const keyBytes = this.keyBytes(key)
    if (value === undefined || value === null) {
      throw new TypeError(`Store '${this.#store}': a value can't be ${String(value)}; use delete() to remove an entry.`)
    }
    const valueBytes = this.#value.serialize(value)
    if (valueBytes === null) throw new TypeError(`Store '${this.#store}': a value was serialised to null, which means "no entry"; use delete().`)
    // A serde of bytes hands back what it was given, which its owner may change.
    return { keyBytes, valueBytes: valueBytes === value ? valueBytes.slice() : valueBytes, value: this.#immutable ? value : undefined, timestamp }
  }

  /** The entry that deletes `key`. */
  deletion(key: unknown, timestamp: number): Entry {
    return { keyBytes: this.keyBytes(key), valueBytes: undefined, value: undefined, timestamp }
  }

  /** What the backend has for a key, as an entry for the cache. */
  stored(keyBytes: Uint8Array, valueBytes: Uint8Array | undefined): Entry {
    const value = this.#immutable && valueBytes !== undefined ? this.decode(valueBytes) : undefined
    return { keyBytes, valueBytes, value, timestamp: -1 }
  }

  /** The value of an entry; undefined for a deletion. Mutable values are decoded anew each time, so that nobody changes another's. */
  valueOf(entry: Entry): unknown {
    if (entry.valueBytes === undefined) return undefined
    return this.#immutable ? entry.value : this.decode(entry.valueBytes)
  }

  decode(valueBytes: Uint8Array): unknown {
    return this.#value.deserialize(valueBytes, 0, valueBytes.byteLength)
  }
}

/** A string that stands for bytes, one character a byte. */
function binary(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
