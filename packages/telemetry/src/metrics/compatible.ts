import type { MetricDefinition, MetricKind } from './family.ts'

/** Names that teams coming from other systems look for. */
export interface CompatibleNames {
  /** Put before each name, such as `orders.`. Letters, digits, `.` and `_`. Default: nothing. */
  readonly prefix?: string | undefined
}

const SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60]
const RECORDS = [1, 10, 50, 100, 500, 1_000, 5_000, 10_000]

/** Those metrics, with the prefix: dotted for OpenTelemetry, underscored for Prometheus. */
export function compatibleMetrics(prefix: string) {
  const metric = (kind: MetricKind, name: string, labels: readonly string[], rest: Pick<MetricDefinition, 'help' | 'unit' | 'buckets'>) => {
    const dotted = `${prefix}${name}`
    return { kind, dotted, name: dotted.replaceAll('.', '_'), labels: ['application', ...labels], ...rest }
  }
  return {
    batches: metric('counter', 'kafka.consumer.batch.processed.count', ['topic', 'status'], {
      help: 'Batches processed: success, partial where some records were given up, or failed.',
      unit: '{batch}',
    }),
    messages: metric('counter', 'messages.processed.count', ['topic', 'status'], {
      help: 'Records processed: success or failed.',
      unit: '{record}',
    }),
    duration: metric('histogram', 'batch.processing.duration', ['topic'], {
      help: 'Seconds to process a batch.',
      unit: 's',
      buckets: SECONDS,
    }),
    size: metric('histogram', 'batch.size', ['topic'], { help: 'Records of a batch.', unit: '{record}', buckets: RECORDS }),
    depth: metric('gauge', 'batch.queue.depth', ['topic', 'partition'], { help: 'Records that wait to be processed.', unit: '{record}' }),
    deadLetters: metric('counter', 'dead_letter.sent.count', ['topic'], { help: 'Records that became dead letters.', unit: '{record}' }),
  } as const satisfies Readonly<Record<string, MetricDefinition>>
}
