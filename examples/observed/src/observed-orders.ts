import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MeterProvider, PeriodicExportingMetricReader, type PushMetricExporter } from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, NoopSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { defineApp, type Logger, silentLogger, start } from 'millrace'
import { kafka } from 'millrace/kafka'
import { memory } from 'millrace/memory'
import { observed } from 'millrace/telemetry'
import { startOrdering } from './customers.ts'
import { orderTopics, orderTopology } from './order-topology.ts'

/** An exporter that drops what it is given. */
const NOWHERE: PushMetricExporter = {
  export: (_, done) => done({ code: 0 }),
  forceFlush: async () => undefined,
  shutdown: async () => undefined,
}

export interface ObservedOrders {
  /** Of the dashboard and all other endpoints. */
  readonly url: string
  /** Rejects if the application fails. */
  readonly running: Promise<void>
  readonly close: () => Promise<void>
}

export interface ObservedOrdersOptions {
  /** Of the HTTP server; 0: any that is free. */
  readonly port: number
  /** A Kafka, as host:port with commas between. Default: an embedded log. */
  readonly brokers?: string | undefined
  /** Before the names of topics and of the application. Default: nothing. */
  readonly prefix?: string | undefined
}

/** Starts a shop: customers who order, the application, and everything that shows what it does. */
export async function observedOrders({ port, brokers, prefix = '' }: ObservedOrdersOptions, logger: Logger): Promise<ObservedOrders> {
  const stateDir = await mkdtemp(join(tmpdir(), 'millrace-observed-'))
  const transport = brokers === undefined ? memory() : kafka({ brokers })
  const admin = await transport.openAdmin({ logger: silentLogger })
  const topics = orderTopics(prefix)
  const partitions = { [topics.orders]: 4, [topics.large]: 2, [topics.spent]: 4, [topics.none]: 1 }
  await admin.createTopics(Object.entries(partitions).map(([topic, count]) => ({ topic, partitions: count })))
  await admin.close()

  // Spans and metrics go nowhere here: put your exporter's in place of these. /metrics is there without them.
  const readers = [new PeriodicExportingMetricReader({ exporter: NOWHERE, exportIntervalMillis: 10_000 })]
  const meters = new MeterProvider({ readers })
  const tracer = new BasicTracerProvider({ spanProcessors: [new NoopSpanProcessor()] }).getTracer('orders')
  const definition = defineApp({
    topology: orderTopology(topics),
    applicationId: `${prefix}observed-orders`,
    transport,
    stateDir,
    logger,
    batch: { size: 100, timeoutMs: 200, maxRetries: 1 },
    failure: { process: 'dead-letter', deadLetter: { topic: topics.none }, circuitBreaker: { threshold: 0.9 } },
  })
  const telemetry = observed(definition, {
    http: { port, advertise: true },
    nodeMetrics: true,
    compatibleNames: { prefix: 'shop.' },
    meter: meters.getMeter('orders'),
    tracing: { tracer },
    logs: { summaryEveryMs: 5_000 },
    sampleEveryMs: 1_000,
  })
  const app = await start(telemetry.definition)
  await telemetry.attach(app)
  const running = app.run()
  const stopOrdering = await startOrdering(transport, topics.orders)
  const close = async () => {
    await stopOrdering()
    await app.close()
    await telemetry.close()
    await meters.shutdown()
    await rm(stateDir, { recursive: true, force: true })
  }
  return { url: telemetry.url ?? '', running, close }
}
