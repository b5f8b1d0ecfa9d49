import type { ErrorData, Headers } from '@millrace/core'

/** What a thread is started with. */
export interface ThreadData {
  /** Address of the user's module. */
  readonly module: string
  readonly exportName: string
}

/** Records of a batch on their way to a thread. */
export interface Chunk {
  readonly keys: readonly unknown[]
  readonly values: readonly unknown[]
  readonly timestamps: Float64Array
  /** Undefined: no record has any. */
  readonly headers: readonly Headers[] | undefined
  /** Try of each result whether it can be copied, to find the one that can't. */
  readonly careful: boolean
}

/** What became of a chunk. */
export interface ChunkResult {
  readonly keys: readonly unknown[]
  readonly values: readonly unknown[]
  readonly timestamps: readonly number[]
  readonly headers: readonly (Headers | undefined)[]
  /** For each output record, the index in the chunk of the record it comes from; ascending. */
  readonly sources: readonly number[]
  readonly failed: readonly { readonly index: number; readonly error: ErrorData }[]
}

/** Why a thread can't work: the module does not load (`error`), or has no such function (`exports`: the names it has). */
export interface LoadProblem {
  readonly error?: ErrorData
  readonly exports?: readonly string[]
}
