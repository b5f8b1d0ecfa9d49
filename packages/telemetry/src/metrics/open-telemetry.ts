import type { BatchObservableCallback, Meter, Observable } from '@opentelemetry/api'
import type { Family } from './family.ts'

/**
 * Measurements of each histogram that are recorded in a second, at most; as many at once. Of more, it is these: an SDK takes about a microsecond for each, which
 * adds up where batches are small.
 */
const RECORDED_A_SECOND = 100
const TICK_MS = 100

/**
 * Shows metrics through an OpenTelemetry meter, under their dotted names. Counters and gauges are read when the SDK asks, histograms are recorded as they
 * come, since the API has no other way. `refresh` is awaited before they are read. Returns how to stop.
 */
export function exportTo(meter: Meter, families: readonly Family[], refresh: () => Promise<void>): () => void {
  const observed = new Map<Family, Observable>()
  const budgets: { left: number }[] = []
  for (const family of families) {
    const { dotted, kind, help, unit, buckets } = family.definition
    const options = { description: help, unit }
    if (kind === 'histogram') {
      const histogram = meter.createHistogram(dotted, { ...options, advice: { explicitBucketBoundaries: [...(buckets ?? [])] } })
      const budget = { left: RECORDED_A_SECOND }
      budgets.push(budget)
      family.listener = (value, labels) => {
        if (budget.left === 0) return
        budget.left--
        histogram.record(value, labels)
      }
    } else
      observed.set(
        family,
        kind === 'counter' ? meter.createObservableCounter(dotted, options) : meter.createObservableGauge(dotted, options),
      )
  }
  const callback: BatchObservableCallback = async (result) => {
    await refresh()
    for (const [family, instrument] of observed) for (const { value, labels } of family.all) result.observe(instrument, value, labels)
  }
  const instruments = [...observed.values()]
  meter.addBatchObservableCallback(callback, instruments)
  const more = (RECORDED_A_SECOND * TICK_MS) / 1_000
  const filling = setInterval(() => {
    for (const budget of budgets) budget.left = Math.min(RECORDED_A_SECOND, budget.left + more)
  }, TICK_MS)
  filling.unref()
  return () => {
    clearInterval(filling)
    meter.removeBatchObservableCallback(callback, instruments)
    for (const family of families) family.listener = undefined
  }
}
