import type { StoreRow } from './store-backend.ts'

/**
 * The rows of one scan over a backend whose rows may be read as late as they are asked for. Before the backend is changed, `keep` reads what is
 * left of them into memory, so that the scan goes on to see the store as it was.
 */
export class KeptRows {
  readonly #rows: Iterator<StoreRow> | AsyncIterator<StoreRow>
  readonly #keyOf: (stored: Uint8Array) => Uint8Array | undefined
  /** Reading and keeping take turns: an iterator is asked for one row at a time. */
  #turn: Promise<unknown> = Promise.resolve()
  #kept: readonly StoreRow[] | undefined
  #keptAt = 0
  #failure: { readonly error: unknown } | undefined

  /** `keyOf` makes the key of a row from the stored one; rows for which it has none are passed over. */
  constructor(rows: Iterable<StoreRow> | AsyncIterable<StoreRow>, keyOf: (stored: Uint8Array) => Uint8Array | undefined) {
    this.#rows = Symbol.asyncIterator in rows ? rows[Symbol.asyncIterator]() : rows[Symbol.iterator]()
    this.#keyOf = keyOf
  }

  /** The next rows, at most `count`; none at the end. */
  next(count: number): Promise<readonly StoreRow[]> {
    return this.#inTurn(() => this.#take(count))
  }

  /** Reads all that is left. Never rejects: a failure is the reader's. */
  keep(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#kept !== undefined) return
      try {
        this.#kept = await this.#read(Infinity)
      } catch (error) {
        this.#failure = { error }
      }
    })
  }

  /** Nobody reads on, or may: then `failure` says why. */
  leave(failure?: Error): Promise<void> {
    return this.#inTurn(async () => {
      this.#kept = []
      if (failure !== undefined) this.#failure = { error: failure }
      await this.#rows.return?.()
    })
  }

  async #take(count: number): Promise<readonly StoreRow[]> {
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#kept === undefined) return this.#read(count)
    const from = this.#keptAt
    this.#keptAt += count
    return this.#kept.slice(from, this.#keptAt)
  }

  async #read(count: number): Promise<StoreRow[]> {
    const rows: StoreRow[] = []
    while (rows.length < count) {
      const next = this.#rows.next()
      // To wait for what is there would cost each row a turn of the microtask queue.
      const step = 'then' in next ? await next : next
      if (step.done === true) break
      const [stored, value] = step.value
      const key = this.#keyOf(stored)
      if (key !== undefined) rows.push([key, value])
    }
    return rows
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => undefined)
    return result
  }
}
