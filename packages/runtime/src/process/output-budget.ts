import { headerBytes, type Headers, MillraceError, type TopicPartition } from '@millrace/core'

/** A pass gathered more output than it may: it is rolled back and run again on half the records. */
export class OutputBudgetExceeded extends Error {
  override readonly name = 'OutputBudgetExceeded'
}

/** What is left to say when not even one record's output may be gathered. */
export function outputTooLarge({ topic, partition }: TopicPartition, offset: number): MillraceError {
  return new MillraceError(
    'OUTPUT_TOO_LARGE',
    `What became of the record at ${topic}-${partition}, offset ${offset}, is more than buffer.maxOutputBytes allows one pass to gather: ` +
      `raise it, or forward less for a record.`,
    { stage: 'process', topic, partition, offset },
  )
}

/** What a record costs beside its bytes: columns, references. */
const RECORD_COST = 64

/** Bounds, roughly in bytes, what one pass gathers. Strings count their length, byte arrays theirs, anything else a flat cost. */
export class OutputBudget {
  #left: number

  constructor(bytes: number) {
    this.#left = bytes
  }

  spend(key: unknown, value: unknown, headers?: Headers): void {
    this.#take(RECORD_COST + sizeOf(key) + sizeOf(value) + headerBytes(headers))
  }

  spendAll(keys: readonly unknown[], values: readonly unknown[]): void {
    let bytes = RECORD_COST * keys.length
    for (let i = 0; i < keys.length; i++) bytes += sizeOf(keys[i]) + sizeOf(values[i])
    this.#take(bytes)
  }

  /** Records of the input, which is there in any case, with other values where there are any. */
  spendRows(count: number, values: readonly unknown[] | undefined): void {
    let bytes = RECORD_COST * count
    for (let i = 0; values !== undefined && i < count; i++) bytes += sizeOf(values[i])
    this.#take(bytes)
  }

  /** Throws if too much was gathered, also if whoever forwarded it has caught that error. */
  check(): void {
    if (this.#left < 0) throw new OutputBudgetExceeded('A pass gathered more output than buffer.maxOutputBytes allows.')
  }

  #take(bytes: number): void {
    this.#left -= bytes
    this.check()
  }
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (value instanceof Uint8Array) return value.byteLength
  return 8
}
