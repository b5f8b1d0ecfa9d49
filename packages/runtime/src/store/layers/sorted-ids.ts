import { type ByteRange, compareBytes } from '@millrace/core'

/** What stands for a key in a layer, with the bytes it is ordered by. */
export interface OrderedId<Id> {
  readonly id: Id
  readonly keyBytes: Uint8Array
}

/** So many late ones are kept apart at least: one more costs a place among them, and seldom one among all. */
const LATE_AT_LEAST = 512

/**
 * Ids in the byte order of their keys. New ones are gathered and put into order when somebody asks: a few of them among those that came late, which are
 * merged into the others when they are many.
 */
export class SortedIds<Id = unknown> {
  #sorted: OrderedId<Id>[] = []
  #late: OrderedId<Id>[] = []
  #added: OrderedId<Id>[] = []

  /** `id` must not be there yet. */
  add(id: Id, keyBytes: Uint8Array): void {
    this.#added.push({ id, keyBytes })
  }

  /** Those whose keys are within the range, ascending. */
  within(range: ByteRange): readonly OrderedId<Id>[] {
    this.#order()
    return merged(slice(this.#sorted, range), slice(this.#late, range))
  }

  #order(): void {
    const added = this.#added
    if (added.length === 0) return
    this.#added = []
    // The root of all: both, a place among the late ones and a share of merging them, stay small.
    const most = Math.max(LATE_AT_LEAST, 4 * Math.sqrt(this.#sorted.length))
    if (this.#late.length + added.length <= most) {
      for (const one of added) this.#late.splice(firstFrom(this.#late, one.keyBytes), 0, one)
      return
    }
    added.sort((a, b) => compareBytes(a.keyBytes, b.keyBytes))
    this.#sorted = merged(this.#sorted, merged(this.#late, added))
    this.#late = []
  }
}

function slice<Id>(ids: OrderedId<Id>[], { gte, lt }: ByteRange): OrderedId<Id>[] {
  const from = gte === undefined ? 0 : firstFrom(ids, gte)
  const to = lt === undefined ? ids.length : firstFrom(ids, lt)
  return ids.slice(from, Math.max(from, to))
}

/** The position of the first key that is not before `key`. */
function firstFrom<Id>(ids: readonly OrderedId<Id>[], key: Uint8Array): number {
  let low = 0
  let high = ids.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareBytes((ids[middle] as OrderedId<Id>).keyBytes, key) < 0) low = middle + 1
    else high = middle
  }
  return low
}

/** Two in order make one in order. */
function merged<Id>(one: OrderedId<Id>[], other: OrderedId<Id>[]): OrderedId<Id>[] {
  if (other.length === 0) return one
  if (one.length === 0) return other
  const all: OrderedId<Id>[] = []
  let at = 0
  for (const next of other) {
    while (at < one.length && compareBytes((one[at] as OrderedId<Id>).keyBytes, next.keyBytes) < 0) all.push(one[at++] as OrderedId<Id>)
    all.push(next)
  }
  while (at < one.length) all.push(one[at++] as OrderedId<Id>)
  return all
}
