import { type ColumnPart, EncodedRows, LazyColumn } from '@millrace/core'
import type { DecodedChunk } from './decoded-chunk.ts'

interface Part {
  readonly chunk: DecodedChunk
  readonly from: number
  readonly to: number
}

/** The rows that make a batch. Columns may be decoded late, but not after the pass: the bytes they are made of are then handed back. */
export class PeekedRows {
  readonly #parts: Part[] = []
  #over = false

  add(chunk: DecodedChunk, from: number, to: number): void {
    this.#parts.push({ chunk, from, to })
  }

  /** The pass is over: what was read is let go, also where the batch is kept. */
  end(): void {
    this.#over = true
    this.#parts.length = 0
  }

  /** A column, decoded when it is asked for where that can wait. */
  column(part: 'keys' | 'values'): readonly unknown[] | LazyColumn<unknown> {
    const serde = this.#parts[0]?.chunk.serde(part)
    if (serde === undefined || !this.#parts.every(({ chunk }) => chunk.waits(part))) return this.#read(part)
    return new LazyColumn(
      () => this.#whileThere(part, () => this.#read(part)),
      () => this.#whileThere(part, () => new EncodedRows(serde, this.#encodedParts(part))),
    )
  }

  #encodedParts(part: 'keys' | 'values'): ColumnPart[] {
    return this.#parts.map(({ chunk, from, to }) => ({ column: chunk.wire[part], from, to }))
  }

  #whileThere<T>(part: 'keys' | 'values', read: () => T): T {
    if (this.#over) {
      throw new TypeError(
        `The ${part} of a batch were first asked for when its pass was over: read them while it is processed, and keep what is needed.`,
      )
    }
    return read()
  }

  #read(part: 'keys' | 'values'): readonly unknown[] {
    let all: readonly unknown[] | undefined
    for (const { chunk, from, to } of this.#parts) {
      const rows = part === 'keys' ? chunk.keys(from, to) : chunk.values(from, to)
      all = all === undefined ? rows : all.concat(rows)
    }
    return all ?? []
  }
}
