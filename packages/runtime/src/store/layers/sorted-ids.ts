import { type ByteRange, compareBytes } from '@millrace/core'

/** What stands for a key in a layer, with the bytes it is ordered by. */
export interface OrderedId<Id> {
  readonly id: Id
  readonly keyBytes: Uint8Array
}

/** When fewer than one in this many keys are new, each is put into its place; otherwise all are sorted. */
const FEW = 16

/** Ids in the byte order of their keys. New ones are gathered and put into order when somebody asks. */
export class SortedIds<Id = unknown> {
  #sorted: OrderedId<Id>[] = []
  #added: OrderedId<Id>[] = []

  /** `id` must not be there yet. */
  add(id: Id, keyBytes: Uint8Array): void {
    this.#added.push({ id, keyBytes })
  }

  /** Those whose keys are within the range, ascending. */
  within({ gte, lt }: ByteRange): readonly OrderedId<Id>[] {
    this.#order()
    const from = gte === undefined ? 0 : this.#firstFrom(gte)
    const to = lt === undefined ? this.#sorted.length : this.#firstFrom(lt)
    return this.#sorted.slice(from, Math.max(from, to))
  }

  #order(): void {
    const added = this.#added
    if (added.length === 0) return
    this.#added = []
    if (added.length * FEW < this.#sorted.length) for (const one of added) this.#sorted.splice(this.#firstFrom(one.keyBytes), 0, one)
    else this.#sorted = [...this.#sorted, ...added].sort((a, b) => compareBytes(a.keyBytes, b.keyBytes))
  }

  /** The position of the first key that is not before `key`. */
  #firstFrom(key: Uint8Array): number {
    let low = 0
    let high = this.#sorted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareBytes((this.#sorted[middle] as OrderedId<Id>).keyBytes, key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
