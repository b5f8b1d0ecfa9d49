/** A pass gathered more output than it may: it is rolled back and run again on half the records. */
export class OutputBudgetExceeded extends Error {
  override readonly name = 'OutputBudgetExceeded'
}

/** What a record costs beside its bytes: columns, references. */
const RECORD_COST = 64

/** Bounds, roughly in bytes, what one pass gathers. Strings count their length, byte arrays theirs, anything else a flat cost. */
export class OutputBudget {
  #left: number

  constructor(bytes: number) {
    this.#left = bytes
  }

  spend(key: unknown, value: unknown): void {
    this.#left -= RECORD_COST + sizeOf(key) + sizeOf(value)
    if (this.#left < 0) throw new OutputBudgetExceeded('A pass gathered more output than buffer.maxOutputBytes allows.')
  }
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (value instanceof Uint8Array) return value.byteLength
  return 8
}
