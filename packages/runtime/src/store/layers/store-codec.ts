import type { Serde } from '@millrace/core'
import type { Entry } from './entry.ts'

/** The serdes of one store, and what can be told from them. Types are erased here: the definition has them. */
export class StoreCodec {
  /** Keys can stand for themselves in a map; otherwise a string of their bytes does. */
  readonly identity: boolean
  readonly #store: string
  readonly #key: Serde<unknown>
  readonly #value: Serde<unknown>
  readonly #immutable: boolean

  constructor(store: string, key: Serde<unknown>, value: Serde<unknown>) {
    this.identity = key.identity === true
    this.#store = store
    this.#key = key
    this.#value = value
    this.#immutable = value.immutable === true
  }

  /** What stands for a key in a map. */
  idOf(key: unknown, keyBytes: Uint8Array): unknown {
    return this.identity ? key : binary(keyBytes)
  }

  keyBytes(key: unknown): Uint8Array {
    if (key === undefined || key === null) throw new TypeError(`Store '${this.#store}': a key can't be ${String(key)}.`)
    const bytes = this.#key.serialize(key)
    if (bytes === null) throw new TypeError(`Store '${this.#store}': a key was serialised to null; keys need bytes.`)
    return own(bytes, key)
  }

  keyOf(bytes: Uint8Array): unknown {
    return this.#key.deserialize(bytes, 0, bytes.byteLength)
  }

  valueBytes(value: unknown): Uint8Array {
    if (value === undefined || value === null) {
      throw new TypeError(`Store '${this.#store}': a value can't be ${String(value)}; use delete() to remove an entry.`)
    }
    const bytes = this.#value.serialize(value)
    if (bytes === null) throw new TypeError(`Store '${this.#store}': a value was serialised to null, which means "no entry"; use delete().`)
    return own(bytes, value)
  }

  /**
   * The value of an entry; undefined for a deletion. Always decoded, also for the task that has just written it: what is read must not depend on
   * when a commit was. Mutable values are decoded anew each time, so that nobody changes another's.
   */
  valueOf(entry: Entry): unknown {
    if (entry.valueBytes === undefined) return undefined
    return this.#immutable ? (entry.value ??= this.decode(entry.valueBytes)) : this.decode(entry.valueBytes)
  }

  decode(valueBytes: Uint8Array): unknown {
    return this.#value.deserialize(valueBytes, 0, valueBytes.byteLength)
  }
}

/** A serde of bytes may hand back what it was given, or a part of it, which its owner may change later. */
function own(bytes: Uint8Array, from: unknown): Uint8Array {
  return from instanceof Uint8Array && from.buffer === bytes.buffer ? new Uint8Array(bytes) : bytes
}

/** A string that stands for bytes, one character a byte. */
function binary(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
