import { defineApp, start, type Transport } from 'millrace'
import { kafka } from 'millrace/kafka'
import { memory } from 'millrace/memory'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { someEvents } from './event.ts'
import { countRows, createTables } from './tables.ts'
import { shopRows, shopTopology } from './topology.ts'
import { writeEvents } from './write-events.ts'

/** What there is to do. */
export interface ExampleOptions {
  readonly clickhouse: string
  /** Addresses of Kafka; undefined: the embedded log. */
  readonly brokers: string | undefined
  /** Events to write. */
  readonly events: number
  /** Where `GET /metrics` is served meanwhile; undefined: on any port that is free. */
  readonly metricsPort: number | undefined
  readonly say: (line: string) => void
}

/** Writes events into a topic, takes them to ClickHouse, and resolves to the rows of each table. */
export async function run({ clickhouse, brokers, events, metricsPort, say }: ExampleOptions): Promise<Readonly<Record<string, number>>> {
  const transport: Transport = brokers === undefined ? memory() : kafka({ brokers })
  await createTables(clickhouse)
  await writeEvents(transport, someEvents(events))
  const rows = shopRows(clickhouse)
  const stateDir = await mkdtemp(join(tmpdir(), 'millrace-shop-'))
  try {
    const app = await start(defineApp({ topology: shopTopology(rows), applicationId: 'shop', transport, stateDir }))
    const running = app.run()
    await app.caughtUp()
    const server = await rows.serveMetrics({ port: metricsPort })
    const answer = await fetch(server.url)
    say(`${server.url}: ${await answer.text()}`)
    await server.close()
    await app.close()
    await running
  } finally {
    await rm(stateDir, { recursive: true })
  }
  const counts = await countRows(clickhouse)
  for (const [table, count] of Object.entries(counts)) say(`${table}: ${count} rows`)
  return counts
}
