import type { RecordColumns } from '../records/record-columns.ts'

/** What one poll may still hand out: records, and the bytes that they keep in memory. */
export class PollRoom {
  #records: number
  #bytes: number
  /** Columns of one answer or one compressed batch share their bytes. */
  #counted: Uint8Array | undefined

  constructor(records: number, bytes: number) {
    this.#records = records
    this.#bytes = bytes
  }

  get records(): number {
    return this.#records
  }

  get isFull(): boolean {
    return this.#records <= 0 || this.#bytes <= 0
  }

  take({ length, values }: RecordColumns): void {
    this.#records -= length
    if (values.bytes === this.#counted) return
    this.#counted = values.bytes
    this.#bytes -= values.bytes.length
  }
}
