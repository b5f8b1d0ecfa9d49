/** What a metric counts. */
export type MetricKind = 'counter' | 'gauge' | 'histogram'

/** One metric, whatever shows it. */
export interface MetricDefinition {
  /** As Prometheus names it, in base units. */
  readonly name: string
  /** As OpenTelemetry names it. */
  readonly dotted: string
  readonly kind: MetricKind
  readonly help: string
  /** `s`, `By`, or `{record}` and the like. */
  readonly unit: string
  readonly labels: readonly string[]
  /** Upper bounds of a histogram's buckets, ascending. */
  readonly buckets?: readonly number[] | undefined
}

export type Labels = Readonly<Record<string, string>>

/** Told each measurement of a histogram, for exporters that count on their own. */
export type HistogramListener = (value: number, labels: Labels) => void

/** One combination of labels of a metric. Held by who counts, so that counting looks nothing up. */
export class Series {
  readonly labels: Labels
  /** Of counters and gauges; of histograms the sum. */
  value = 0
  /** Of histograms: how many measurements. */
  count = 0
  /** Of histograms: measurements in each bucket alone, and above the last. */
  readonly inBucket: Float64Array
  readonly #family: Family

  constructor(family: Family, labels: Labels) {
    this.#family = family
    this.labels = labels
    this.inBucket = new Float64Array((family.definition.buckets?.length ?? -1) + 1)
  }

  add(amount: number): void {
    this.value += amount
  }

  set(value: number): void {
    this.value = value
  }

  observe(value: number): void {
    const bounds = this.#family.definition.buckets as readonly number[]
    let at = 0
    while (at < bounds.length && value > (bounds[at] as number)) at++
    this.inBucket[at] = (this.inBucket[at] as number) + 1
    this.value += value
    this.count++
    this.#family.listener?.(value, this.labels)
  }
}

/** A metric with all its series. */
export class Family {
  readonly definition: MetricDefinition
  /** Set by an exporter that counts histograms on its own. */
  listener: HistogramListener | undefined
  readonly #series = new Map<string, Series>()

  constructor(definition: MetricDefinition) {
    this.definition = definition
  }

  /** The series of these labels, which may be new. `values`: in the order of the definition's labels. */
  of(...values: readonly string[]): Series {
    const key = values.join('\u0000')
    let series = this.#series.get(key)
    if (series === undefined) {
      const labels = Object.fromEntries(this.definition.labels.map((name, i) => [name, values[i] ?? '']))
      series = new Series(this, labels)
      this.#series.set(key, series)
    }
    return series
  }

  get all(): Iterable<Series> {
    return this.#series.values()
  }

  /** Forgets all others. */
  keep(told: ReadonlySet<Series>): void {
    for (const [key, series] of this.#series) if (!told.has(series)) this.#series.delete(key)
  }

  /** Forgets the series for which `of` says so. */
  removeWhere(of: (labels: Labels) => boolean): void {
    for (const [key, { labels }] of this.#series) if (of(labels)) this.#series.delete(key)
  }
}
