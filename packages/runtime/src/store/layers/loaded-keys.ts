import { KeyIndex, OWN, ROW } from './key-index.ts'
import type { KeyColumn } from './slot-table.ts'

const ROUND = OWN
const POSITION = OWN + 1
const IS_HELD = OWN + 2

/** Keys of an update of which no layer knows anything, and what was read of them: for as long as the update lasts. */
export class LoadedKeys {
  readonly #index = new KeyIndex()
  readonly #values: (Uint8Array | undefined)[] = []
  #round = 1

  /** Keys are about to be met anew. */
  begin(): void {
    this.#round++
  }

  /** Which of the keys of the update this one is; `next`, if it comes for the first time. */
  meet({ bytes, starts, ends }: KeyColumn, row: number, next: number): number {
    const start = starts[row] as number
    const end = ends[row] as number
    const found = this.#index.find(bytes, start, end)
    const slot = found < 0 ? this.#index.add(bytes, start, end) : found
    const { rows } = this.#index
    const at = slot * ROW
    if (rows[at + ROUND] === this.#round) return rows[at + POSITION] as number
    rows[at + ROUND] = this.#round
    return (rows[at + POSITION] = next)
  }

  /** What the backend holds for a key. */
  hold(keys: KeyColumn, row: number, value: Uint8Array | undefined): void {
    const start = keys.starts[row] as number
    const end = keys.ends[row] as number
    const found = this.#index.find(keys.bytes, start, end)
    const slot = found < 0 ? this.#index.add(keys.bytes, start, end) : found
    this.#index.rows[slot * ROW + IS_HELD] = 1
    this.#values[slot] = value
  }

  has(keys: KeyColumn, row: number): boolean {
    const slot = this.#slotOf(keys, row)
    return slot >= 0 && this.#index.rows[slot * ROW + IS_HELD] === 1
  }

  contentOf(keys: KeyColumn, row: number): Uint8Array | undefined {
    return this.#values[this.#slotOf(keys, row)]
  }

  #slotOf({ bytes, starts, ends }: KeyColumn, row: number): number {
    return this.#index.find(bytes, starts[row] as number, ends[row] as number)
  }
}
