import { BasicTracerProvider, NoopSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { pino } from 'pino'
import type { Comparison } from '../../harness/comparison.ts'
import type { RunSize } from '../run-size.ts'
import { byTopology } from './count-comparisons.ts'
import { makeWorkload } from './workload.ts'

const KEYS = 10_000
/** Differences of a few percent are lost in fewer. */
const MIN_RUNS = 21
const MIN_WARM_UP_RUNS = 6

/** The count with all telemetry switched on, beside the same with nobody looking. */
export function telemetryComparisons({ short, folder }: RunSize): Comparison[] {
  const workload = makeWorkload(short ? 100_000 : 800_000, KEYS)
  const tracer = new BasicTracerProvider({ spanProcessors: [new NoopSpanProcessor()] }).getTracer('bench')
  const telemetry = {
    http: { port: 0 },
    compatibleNames: true,
    meter: true,
    tracing: { tracer },
    logs: { logger: pino({ level: 'info' }, pino.destination('/dev/null')) },
  }
  return [1_000, 100].map((size) => {
    const common = { kind: 'memory', processor: 'batch', size, workload, folder } as const
    return {
      name: `telemetry, count in batches of ${size}`,
      minRuns: MIN_RUNS,
      minWarmUpRuns: MIN_WARM_UP_RUNS,
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
          says: "Metrics with all names, read once a second; dashboard, logs, traces with spans that the SDK makes and nobody exports. Without Node's own metrics.",
        },
      ],
    }
  })
}
