import { max, median, min, quantile } from 'simple-statistics'

/** What several runs of one thing came to. */
export interface Summary {
  readonly median: number
  readonly min: number
  readonly max: number
  /** Half of the runs lie within this distance of each other: the distance between the quartiles. */
  readonly quartileRange: number
}

export function summarise(samples: readonly number[]): Summary {
  const all = [...samples]
  return { median: median(all), min: min(all), max: max(all), quartileRange: quantile(all, 0.75) - quantile(all, 0.25) }
}

/** What the median lies below with 95 percent of confidence, whatever the samples are distributed like: one of them, by its rank. */
export function upperLimitOfMedian(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b)
  const { length } = sorted
  // How likely it is that so many of the samples are below the median, and no more.
  let likely = 0.5 ** length
  let below = likely
  let rank = 0
  while (below < 0.95 && rank < length - 1) {
    likely *= (length - rank) / (rank + 1)
    rank++
    below += likely
  }
  return sorted[rank] as number
}
