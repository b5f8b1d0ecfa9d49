import type { BatchObservableCallback, Meter, Observable } from '@opentelemetry/api'
import type { Family } from './family.ts'

/**
 * Shows metrics through an OpenTelemetry meter, under their dotted names. Counters and gauges are read when the SDK asks, histograms are recorded as they
 * come, since the API has no other way. `refresh` is awaited before they are read. Returns how to stop.
 */
export function exportTo(meter: Meter, families: readonly Family[], refresh: () => Promise<void>): () => void {
  const observed = new Map<Family, Observable>()
  for (const family of families) {
    const { dotted, kind, help, unit, buckets } = family.definition
    const options = { description: help, unit }
    if (kind === 'histogram') {
      const histogram = meter.createHistogram(dotted, { ...options, advice: { explicitBucketBoundaries: [...(buckets ?? [])] } })
      family.listener = (value, labels) => histogram.record(value, labels)
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
  return () => {
    meter.removeBatchObservableCallback(callback, instruments)
    for (const family of families) family.listener = undefined
  }
}
