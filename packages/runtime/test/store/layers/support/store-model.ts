import { afterPrefix, compareBytes } from '@millrace/core'

/** Where an iteration goes: by typed bounds, or by a prefix. */
export interface Where {
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly reverse?: boolean | undefined
  readonly prefix?: Uint8Array | undefined
}

type Entries = ReadonlyMap<string, number>

/** What a store is to hold, as whole copies of its contents: nothing here is layered. */
export class StoreModel {
  committed: Entries = new Map()
  #sealed: Entries | undefined
  #open: Entries = new Map()
  #attempt: Map<string, number> | undefined
  /** The attempt when a part of it was kept last. */
  #kept: Entries | undefined

  get inPass(): boolean {
    return this.#attempt !== undefined
  }

  get isSealed(): boolean {
    return this.#sealed !== undefined
  }

  /** What the task sees. */
  get seen(): Entries {
    return this.#attempt ?? this.#open
  }

  begin(): void {
    this.#attempt = new Map(this.#open)
  }

  set(key: string, value: number): void {
    this.#attempt?.set(key, value)
  }

  delete(key: string): void {
    this.#attempt?.delete(key)
  }

  keep(): void {
    this.#kept = new Map(this.#attempt)
  }

  undo(): void {
    this.#attempt = new Map(this.#kept ?? this.#open)
  }

  succeed(): void {
    this.#open = this.#attempt ?? this.#open
    this.rollback()
  }

  rollback(): void {
    this.#attempt = undefined
    this.#kept = undefined
  }

  /** The contents after the commit. */
  seal(): Entries {
    this.#sealed = this.#open
    return this.#open
  }

  persisted(): void {
    this.committed = this.#sealed ?? this.committed
    this.#sealed = undefined
  }

  discard(): void {
    this.rollback()
    this.#sealed = undefined
    this.#open = this.committed
  }
}

/** The entries of an iteration, in its order. */
export function iterated(entries: Entries, { from, to, reverse = false, prefix }: Where): (readonly [string, number])[] {
  const gte = prefix ?? (from === undefined ? undefined : Buffer.from(from))
  const lt = prefix === undefined ? (to === undefined ? undefined : Buffer.from(to)) : afterPrefix(prefix)
  const found = [...entries].filter(([key]) => {
    const bytes = Buffer.from(key)
    return (gte === undefined || compareBytes(bytes, gte) >= 0) && (lt === undefined || compareBytes(bytes, lt) < 0)
  })
  const ascending = found.toSorted(([a], [b]) => compareBytes(Buffer.from(a), Buffer.from(b)))
  return reverse ? ascending.toReversed() : ascending
}
