/** Records `from` (inclusive) to `to` (exclusive) of a batch, to be processed by themselves. */
export interface Part {
  readonly from: number
  readonly to: number
}

/**
 * Finds the records that can't be processed in a batch of `count` that failed as a whole without naming any: yields parts to be processed, in the
 * order of the records, and is told of each whether it failed; returns the indices of the records that failed alone. Parts that overlap come only after
 * the larger one has failed, so that every record is processed once or stands alone. Of `k` bad records it takes at most `2k(log2(count/k) + 1)` parts,
 * and never as many as `2 * count`.
 */
export function* halving(count: number): Generator<Part, readonly number[], boolean> {
  const alone: number[] = []

  /** Of a part that has failed. */
  function* within({ from, to }: Part): Generator<Part, void, boolean> {
    if (to - from <= 1) {
      alone.push(from)
      return
    }
    const middle = (from + to) >> 1
    const [left, right] = [
      { from, to: middle },
      { from: middle, to },
    ]
    const leftFailed = yield left
    if (leftFailed) yield* within(left)
    // What failed must lie here then: several records need not be tried once more together.
    const known = !leftFailed && to - middle > 1
    if (known || (yield right)) yield* within(right)
  }

  yield* within({ from: 0, to: count })
  return alone
}
