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
