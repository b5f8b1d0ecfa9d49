import type { BytesColumn, PackedColumn } from '../batch/bytes-column.ts'

/** Turns values into bytes and back. Implement `serialize` and `deserialize`; the rest makes it faster. */
export interface Serde<T> {
  /** Names the serde in errors. */
  readonly name: string
  /** The bytes of `value`, `null` for Kafka's null. Throws a `SerdeError` (or anything) for what it refuses. */
  readonly serialize: (value: T) => Uint8Array | null
  /** How many bytes `serialize` makes of `value`, for who needs no more than that. Throws as it does. Default: found by serialising. */
  readonly byteLength?: ((value: T) => number) | undefined
  /** The value in `bytes` from `start` (inclusive) to `end` (exclusive). `bytes` may be reused later: copy what outlives the call. */
  readonly deserialize: (bytes: Uint8Array, start: number, end: number) => T
  /** The value that Kafka's null stands for. Absent: null is refused. */
  readonly deserializeNull?: (() => T) | undefined
  /** All of `values` at once, in order. The column is the caller's: its arrays are not used again. Default: one by one. */
  readonly serializeBatch?: ((values: readonly T[]) => BytesColumn) | undefined
  /** All of `column` at once, in order. Default: one by one. */
  readonly deserializeBatch?: ((column: BytesColumn) => T[]) | undefined
  /**
   * Whether `serialize` gives back exactly these bytes of what `deserialize` makes of them, for every value of `column`, which holds their bytes one after another and
   * nothing else (rows of null, whose end is -1, are not asked about): those that nobody looks at are then written as they were read. False where it can't be said cheaply. A serde that is made
   * of another, and changes what it reads or writes, must not take this over: `serdes.string` does not hand it on to a copy by `{ ...serdes.string }`. Default: false.
   */
  readonly givesBack?: ((column: PackedColumn) => boolean) | undefined
  /** `deserialize` never throws, whatever the bytes: columns may then be decoded lazily. Default: false. */
  readonly total?: boolean | undefined
  /** Values can't be changed by who holds them (primitives): decoded ones may be cached. Default: false. */
  readonly immutable?: boolean | undefined
  /** Values are primitives that are `===` exactly when their bytes are equal: they can stand for their bytes as a key. Default: false. */
  readonly identity?: boolean | undefined
}

/** The type a serde carries. */
export type SerdeType<S> = S extends Serde<infer T> ? T : never
