import { MeterProvider, PeriodicExportingMetricReader, type PushMetricExporter } from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, NoopSpanProcessor } from '@opentelemetry/sdk-trace-base'
import type { ConsumedBatch } from '@millrace/telemetry'
import { pino } from 'pino'
import type { Comparison } from '../../harness/comparison.ts'
import type { RunSize } from '../run-size.ts'
import { byTopology } from './count-comparisons.ts'
import { toldPasses } from './told-passes.ts'
import { makeWorkload } from './workload.ts'

/** An exporter that drops what it is given. */
const NOWHERE: PushMetricExporter = {
  export: (_, done) => done({ code: 0 }),
  forceFlush: async () => undefined,
  shutdown: async () => undefined,
}

const KEYS = 10_000
/** Differences of a few percent are lost in fewer. */
const MIN_RUNS = 21
/** What is told is compiled after some thousand passes. */
const MIN_WARM_UP_RUNS = 10

/** The count with all telemetry switched on, beside the same with nobody looking; and what it takes of a pass, by itself. */
export function telemetryComparisons({ short, folder }: RunSize): Comparison[] {
  const workload = makeWorkload(short ? 100_000 : 800_000, KEYS)
  const tracer = new BasicTracerProvider({ spanProcessors: [new NoopSpanProcessor()] }).getTracer('bench')
  const readers = [new PeriodicExportingMetricReader({ exporter: NOWHERE, exportIntervalMillis: 1_000, exportTimeoutMillis: 1_000 })]
  const meters = new MeterProvider({ readers })
  const telemetry = {
    http: { port: 0 },
    compatibleNames: true,
    meter: meters.getMeter('bench'),
    tracing: { tracer },
    checkpoints: { consumed: ({ headersOf }: ConsumedBatch) => void headersOf(0) },
    logs: { logger: pino({ level: 'info' }, pino.destination('/dev/null')) },
  }
  const counted = [1_000, 100].map((size): Comparison => {
    const common = { kind: 'memory', processor: 'batch', size, workload, folder } as const
    return {
      name: `telemetry, count in batches of ${size}`,
      minRuns: MIN_RUNS,
      minWarmUpRuns: MIN_WARM_UP_RUNS,
      keepsCode: true,
      baseline: { ...byTopology(common), name: 'nobody looks', says: 'The count topology: no observer, no tracer.' },
      others: [
        {
          ...byTopology(common),
          name: 'nobody looks, again',
          says: 'The same once more: how far two of the same are apart on this machine. What is said of the next row is no finer than that.',
        },
        {
          ...byTopology({ ...common, telemetry }),
          name: 'everything on',
          says: "Metrics with all names, read once a second by Prometheus and by OpenTelemetry's SDK; dashboard, checkpoints of what is read, logs, traces with spans that the SDK makes and nobody exports. Without Node's own metrics.",
        },
      ],
    }
  })
  return [...counted, toldPasses(telemetry)]
}
