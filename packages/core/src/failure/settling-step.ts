/** A record, by its row in the batch, and what it failed with. */
export interface FailedRow {
  /** Index in the batch, from 0. */
  readonly row: number
  readonly error: unknown
}

/**
 * What is to be done next for a batch:
 *
 * - `run`: process these rows (ascending) as one part. With `keep`, what succeeded stays if an outcome reports some records failed; any other failure
 *   rolls the part back, and so does every failure without `keep`;
 * - `wait`: wait as long as comes before this retry, from 1;
 * - `give-up`: hand this record to the failure policy: it counts as done from here on;
 * - `commit-prefix`: the first `rows` records of the batch are done, each of them: commit them before anything else.
 */
export type SettlingStep =
  | {
      readonly do: 'run'
      /** Indices in the batch, ascending; never none. */
      readonly rows: readonly number[]
      readonly keep: boolean
    }
  | {
      readonly do: 'wait'
      /** From 1. */
      readonly retry: number
    }
  | {
      readonly do: 'give-up'
      /** Index in the batch, from 0. */
      readonly row: number
      readonly error: unknown
      /** How often it was tried: 1 is the first attempt without a retry. Parts of a search don't count. */
      readonly attempts: number
    }
  | {
      readonly do: 'commit-prefix'
      /** How many records, counted from the first of the batch. More than at the commit before. */
      readonly rows: number
    }

/**
 * How a part went: all of it succeeded; it failed and nobody was named; record `at` failed and all before it are good; or the records of an outcome
 * failed and the others are good. The part was rolled back in every case but the first, and an outcome with `kept`. Rows that are named are of the part.
 */
export type PartResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly error: unknown }
  | {
      readonly ok: false
      /** Index in the batch, not in the part. */
      readonly at: number
      readonly error: unknown
    }
  | {
      readonly ok: false
      /** At least one; the indices are those in the batch, not in the part. */
      readonly failed: readonly FailedRow[]
      readonly kept: boolean
    }

/** Steps until a batch is settled. Each `run` is answered with its result, other steps with nothing. */
export type Settling<Found = void> = Generator<SettlingStep, Found, PartResult | undefined>
