import type { KeyColumn } from './slot-table.ts'

/** A column of one key, made once for all of them. */
export class SingleKey implements KeyColumn {
  readonly length = 1
  readonly starts = [0]
  readonly ends = [0]
  bytes: Uint8Array = new Uint8Array(0)

  of(key: Uint8Array): this {
    this.bytes = key
    this.ends[0] = key.byteLength
    return this
  }
}
