import type { Metric, Registry } from 'prom-client'
import type { Family } from './family.ts'

/** Registers metrics with a registry of prom-client, which reads them when it is asked: until then nothing is done for it. */
export function register(families: readonly Family[], registry: Registry): void {
  // What a registry uses of a metric is its name and `get`; its typings ask for classes of its own.
  for (const family of families) registry.registerMetric(metricOf(family) as unknown as Metric)
}

function metricOf(family: Family) {
  const { name, help, kind } = family.definition
  const get = async () => ({ name, help, type: kind, aggregator: kind === 'gauge' ? 'last' : 'sum', values: valuesOf(family) })
  return { name, help, type: kind, get, reset: () => undefined }
}

function valuesOf(family: Family) {
  const { kind, name, buckets = [] } = family.definition
  const values: { labels: Record<string, string | number>; value: number; metricName: string }[] = []
  for (const { labels, value, count, inBucket } of family.all) {
    if (kind !== 'histogram') {
      values.push({ labels, value, metricName: name })
      continue
    }
    let below = 0
    for (const [i, bound] of buckets.entries()) {
      below += inBucket[i] as number
      values.push({ labels: { ...labels, le: bound }, value: below, metricName: `${name}_bucket` })
    }
    values.push({ labels: { ...labels, le: '+Inf' }, value: count, metricName: `${name}_bucket` })
    values.push({ labels, value, metricName: `${name}_sum` }, { labels, value: count, metricName: `${name}_count` })
  }
  return values
}
