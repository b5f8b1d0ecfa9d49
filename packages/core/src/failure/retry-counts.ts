import type { FailedRow } from './settling-step.ts'

/** How many retries there are, and for what. */
export interface RetryLimits {
  /** Retries after the first attempt: of each record that is named, and of the batch where nobody is. */
  readonly maxRetries: number
  /** Whether the same may go well when it is tried again. */
  readonly isRetryable: (error: unknown) => boolean
}

/** The retries of one batch: of each record that was named, and of the whole for failures that named nobody. */
export class RetryCounts {
  readonly #limits: RetryLimits
  readonly #named = new Map<number, number>()
  #unnamed = 0

  constructor(limits: RetryLimits) {
    this.#limits = limits
  }

  /** Counts a retry of a record: which it is, from 1; `undefined` if there is none. */
  ofRecord({ row, error }: FailedRow): number | undefined {
    const next = this.#next(this.#named.get(row) ?? 0, error)
    if (next !== undefined) this.#named.set(row, next)
    return next
  }

  /** Counts a retry of the batch after a failure that named nobody: which it is, from 1; `undefined` if there is none. */
  ofBatch(error: unknown): number | undefined {
    const next = this.#next(this.#unnamed, error)
    if (next !== undefined) this.#unnamed = next
    return next
  }

  /** How often a record was tried on its own account: once, and with each retry of itself and of the batch. */
  attempts(row: number): number {
    return 1 + (this.#named.get(row) ?? 0) + this.#unnamed
  }

  #next(count: number, error: unknown): number | undefined {
    return count < this.#limits.maxRetries && this.#limits.isRetryable(error) ? count + 1 : undefined
  }
}
