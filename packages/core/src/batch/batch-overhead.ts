/** A batch, and how long it took. */
export interface Took {
  readonly records: number
  readonly durationMs: number
}

/** What a batch costs as such, whatever its size. */
export interface Overhead {
  /** So many records cost as much, at most, as far as can be told; Infinity: what they cost can't be told from jitter; undefined: nothing is known. */
  readonly records: number | undefined
  /** Of the sizes that it was learned from: the sum of their squared distances from their mean. */
  readonly spread: number
}

export const UNKNOWN_OVERHEAD: Overhead = { records: undefined, spread: 0 }

/** Sizes whose standard deviation is less than a tenth of their mean tell of jitter, and not of overhead. This is its square. */
const LEAST_SPREAD = 0.01
/** So many standard errors is what a record costs taken to be less: who is not sure tries a larger batch, and then is. */
const OPTIMISM = 2

/**
 * The overhead by the straight line that fits best through how long batches of several sizes took (least squares). What was learned from sizes that
 * differed more is kept: batches of a size that has settled tell nothing of others.
 */
export function learnOverhead(last: readonly Took[], before: Overhead): Overhead {
  if (last.length < 3) return before
  const records = meanOf(last.map((took) => took.records))
  const durationMs = meanOf(last.map((took) => took.durationMs))
  let [spread, rising, varying] = [0, 0, 0]
  for (const took of last) {
    const [more, longer] = [took.records - records, took.durationMs - durationMs]
    spread += more ** 2
    rising += more * longer
    varying += longer ** 2
  }
  if (spread === 0 || spread < before.spread || spread < LEAST_SPREAD * last.length * records ** 2) return before
  const recordMs = rising / spread
  const jitter = Math.max(0, varying - recordMs * rising) / (last.length - 2)
  const leastMs = recordMs - OPTIMISM * Math.sqrt(jitter / spread)
  return { records: leastMs <= 0 ? Infinity : Math.max(0, durationMs / leastMs - records), spread }
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
