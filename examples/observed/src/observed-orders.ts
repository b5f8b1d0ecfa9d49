import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BasicTracerProvider, NoopSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { defineApp, type Logger, silentLogger, start } from 'millrace'
import { memory } from 'millrace/memory'
import { observed } from 'millrace/telemetry'
import { startOrdering } from './customers.ts'
import { orderTopology } from './order-topology.ts'

export interface ObservedOrders {
  /** Of the dashboard and all other endpoints. */
  readonly url: string
  /** Rejects if the application fails. */
  readonly running: Promise<void>
  readonly close: () => Promise<void>
}

/** Starts a shop: customers who order, the application, and everything that shows what it does. `port`: 0 is any. */
export async function observedOrders(port: number, logger: Logger): Promise<ObservedOrders> {
  const stateDir = await mkdtemp(join(tmpdir(), 'millrace-observed-'))
  const transport = memory()
  const admin = await transport.openAdmin({ logger: silentLogger })
  const topics = { orders: 4, 'large-orders': 2, spent: 4, 'no-orders': 1 }
  await admin.createTopics(Object.entries(topics).map(([topic, partitions]) => ({ topic, partitions })))
  await admin.close()

  // Spans go nowhere here: put an exporter's processor in place of this one.
  const tracer = new BasicTracerProvider({ spanProcessors: [new NoopSpanProcessor()] }).getTracer('orders')
  const definition = defineApp({
    topology: orderTopology(),
    applicationId: 'observed-orders',
    transport,
    stateDir,
    logger,
    batch: { size: 100, timeoutMs: 200, maxRetries: 1 },
    failure: { process: 'dead-letter', deadLetter: { topic: 'no-orders' }, circuitBreaker: { threshold: 0.9 } },
  })
  const telemetry = observed(definition, {
    http: { port, advertise: true },
    nodeMetrics: true,
    compatibleNames: { prefix: 'shop.' },
    meter: true,
    tracing: { tracer },
    logs: { summaryEveryMs: 5_000 },
    sampleEveryMs: 1_000,
  })
  const app = await start(telemetry.definition)
  await telemetry.attach(app)
  const running = app.run()
  const stopOrdering = await startOrdering(transport)
  const close = async () => {
    await stopOrdering()
    await app.close()
    await telemetry.close()
    await rm(stateDir, { recursive: true, force: true })
  }
  return { url: telemetry.url ?? '', running, close }
}
