import type { Metric, Registry, RegistryContentType } from 'prom-client'
import type { Family, MetricDefinition } from './family.ts'

/**
 * Registers metrics with a registry of prom-client, which reads them when it is asked: until then nothing is done for it. `settle` is called before each is
 * read. Returns how to take them out.
 */
export function register(
  families: readonly Family[],
  registry: Registry<RegistryContentType>,
  settle: () => void = () => undefined,
): () => void {
  const shown = families.map((family) => ({ family, metric: metricIn(registry, family.definition) }))
  for (const { family, metric } of shown) metric.families.set(family, settle)
  return () => {
    for (const { family, metric } of shown) {
      metric.families.delete(family)
      if (metric.families.size === 0) registry.removeSingleMetric(family.definition.name)
    }
  }
}

/** The one of that name, which applications of one registry share: they differ in a label. */
function metricIn(registry: Registry<RegistryContentType>, definition: MetricDefinition): SharedMetric {
  const known: unknown = registry.getSingleMetric(definition.name)
  if (known instanceof SharedMetric) return known
  const metric = new SharedMetric(definition)
  // What a registry uses of a metric is its name and `get`; its typings ask for classes of its own.
  registry.registerMetric(metric as unknown as Metric)
  return metric
}

class SharedMetric {
  /** Of counters a registry of OpenMetrics takes `_total` away, and puts it after the names of their values. */
  readonly name: string
  readonly help: string
  readonly type: MetricDefinition['kind']
  /** With what is called before each is read. */
  readonly families = new Map<Family, () => void>()

  constructor({ name, help, kind }: MetricDefinition) {
    this.name = name
    this.help = help
    this.type = kind
  }

  async get() {
    const { name, help, type } = this
    for (const settle of this.families.values()) settle()
    return {
      name,
      help,
      type,
      aggregator: type === 'gauge' ? 'last' : 'sum',
      values: [...this.families.keys()].flatMap((family) => valuesOf(family, name)),
    }
  }

  /** Asked for by `resetMetrics`: what is counted here is not the registry's. */
  reset(): void {}
}

function valuesOf(family: Family, name: string) {
  const { kind, buckets = [] } = family.definition
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
