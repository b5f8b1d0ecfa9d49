import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, NoopSpanProcessor } from '@opentelemetry/sdk-trace-base'
import type { ConsumedBatch } from '@millrace/telemetry'
import { pino } from 'pino'
import type { Comparison } from '../../harness/comparison.ts'
import type { RunSize } from '../run-size.ts'
import { steadyCount } from './steady-count.ts'
import { toldPasses } from './told-passes.ts'
import { makeWorkload } from './workload.ts'

/** One that reads when it is told to, and exports nowhere. */
class AskedReader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve()
  }

  protected override onShutdown(): Promise<void> {
    return Promise.resolve()
  }
}

const KEYS = 10_000
const RECORDS = 50_000
/** Differences of a few percent are lost in fewer. */
const MIN_RUNS = 21
/** What is told is compiled after some thousand passes. */
const MIN_WARM_UP_RUNS = 60
const SLICES = 40
const SHORT_SLICES = 4

/** The count with all telemetry switched on, beside the same with nobody looking; and what it takes of a pass, by itself. */
export function telemetryComparisons({ short, folder }: RunSize): Comparison[] {
  const workload = makeWorkload(RECORDS, KEYS)
  const tracer = new BasicTracerProvider({ spanProcessors: [new NoopSpanProcessor()] }).getTracer('bench')
  const reader = new AskedReader()
  const meters = new MeterProvider({ readers: [reader] })
  const telemetry = {
    http: { port: 0 },
    compatibleNames: true,
    meter: meters.getMeter('bench'),
    tracing: { tracer },
    checkpoints: { consumed: ({ headersOf }: ConsumedBatch) => void headersOf(0) },
    logs: { logger: pino({ level: 'info' }, pino.destination('/dev/null')) },
  }
  const counted = [1_000, 100].map((size): Comparison => {
    const common = { size, workload, folder }
    return {
      name: `telemetry, count in batches of ${size}`,
      minRuns: MIN_RUNS,
      minWarmUpRuns: MIN_WARM_UP_RUNS,
      slices: short ? SHORT_SLICES : SLICES,
      baseline: steadyCount({ name: 'nobody looks', says: 'The count topology: no observer, no tracer.' }, common),
      others: [
        steadyCount(
          {
            name: 'nobody looks, again',
            says: 'The same once more: how far two of the same are apart on this machine. What is said of the next row is no finer than that.',
          },
          common,
        ),
        steadyCount(
          {
            name: 'everything on',
            says: "Metrics with all names, read once a second by Prometheus and by OpenTelemetry's SDK; dashboard, checkpoints of what is read, logs, traces with spans that the SDK makes and nobody exports. Without Node's own metrics.",
          },
          { ...common, looks: { telemetry, export: () => reader.collect() } },
        ),
      ],
    }
  })
  return [...counted, toldPasses(telemetry)]
}
