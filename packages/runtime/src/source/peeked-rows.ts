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

  /** The pass is over. */
  end(): void {
    this.#over = true
  }

  /** A column, or what makes it when it is asked for. */
  column(part: 'keys' | 'values'): readonly unknown[] | (() => readonly unknown[]) {
    return this.#parts.some(({ chunk }) => chunk.waits) ? () => this.#whileThere(part) : this.#read(part)
  }

  #whileThere(part: 'keys' | 'values'): readonly unknown[] {
    if (this.#over) {
      throw new TypeError(
        `The ${part} of a batch were first asked for when its pass was over: read them while it is processed, and keep what is needed.`,
      )
    }
    return this.#read(part)
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
