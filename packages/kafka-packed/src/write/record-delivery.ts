import type { PackedError } from '../errors/packed-error.ts'

/** What became of one record: where it is, or why it may not be there. */
export type RecordDelivery =
  | {
      readonly partition: number
      /** -1 where the broker knew the record from an earlier attempt and did not say where it is. */
      readonly offset: number
      /** None: the record is in its topic. */
      readonly error?: undefined
    }
  | {
      readonly partition: number
      /** Why the record is not in its topic, or may not be: whether it may be is the error's to say. */
      readonly error: PackedError
    }

/** Told once of each record of a call to `write`, by its row. It must not throw: nothing can be written any more then. */
export type OnDelivered = (row: number, delivery: RecordDelivery) => void

/** The records of a batch that somebody waits for, by their places in it. */
export class AwaitedRecords {
  readonly #rows: number[]
  readonly #tellers: (OnDelivered | undefined)[]

  constructor(rows: number[] = [], tellers: (OnDelivered | undefined)[] = []) {
    this.#rows = rows
    this.#tellers = tellers
  }

  /** Places ascend. */
  add(place: number, row: number, onDelivered: OnDelivered): void {
    while (this.#rows.length < place) this.#push(-1, undefined)
    this.#push(row, onDelivered)
  }

  #push(row: number, onDelivered: OnDelivered | undefined): void {
    this.#rows.push(row)
    this.#tellers.push(onDelivered)
  }

  /** Those of a part of the batch, by their places in that. */
  slice(from: number, to?: number): AwaitedRecords {
    return new AwaitedRecords(this.#rows.slice(from, to), this.#tellers.slice(from, to))
  }

  /** What it came to is asked of each place. Returns what was thrown first; everybody is told all the same. */
  tell(deliveryAt: (place: number) => RecordDelivery): { readonly thrown: unknown } | undefined {
    let first: { readonly thrown: unknown } | undefined
    for (let place = 0; place < this.#rows.length; place++) {
      const onDelivered = this.#tellers[place]
      if (onDelivered === undefined) continue
      try {
        onDelivered(this.#rows[place] as number, deliveryAt(place))
      } catch (thrown) {
        first ??= { thrown }
      }
    }
    return first
  }
}
