import { defineApp, type FailureOptions, start, type Transport } from 'millrace'
import { kafka } from 'millrace/kafka'
import { memory } from 'millrace/memory'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brokenEvent, someEvents } from './event.ts'
import { countRows, createTables } from './tables.ts'
import { createTopics } from './topics.ts'
import { DEAD_LETTERS_TOPIC, shopRows, shopTopology } from './topology.ts'
import { writeEvents } from './write-events.ts'

/** What there is to do. */
export interface ExampleOptions {
  readonly clickhouse: string
  /** Addresses of Kafka; undefined: the embedded log. */
  readonly brokers: string | undefined
  /** A log instead of both. */
  readonly transport?: Transport | undefined
  /** Events to write, besides one that can't be stored. */
  readonly events: number
  /** Where `GET /metrics` is served meanwhile; undefined: on any port that is free. */
  readonly metricsPort: number | undefined
  readonly say: (line: string) => void
}

/** Writes events into a topic, takes them to ClickHouse, what it refuses to a topic of dead letters, and resolves to the rows of each table. */
export async function run(options: ExampleOptions): Promise<Readonly<Record<string, number>>> {
  const { clickhouse, brokers, events, metricsPort, say } = options
  const transport = options.transport ?? (brokers === undefined ? memory() : kafka({ brokers }))
  await createTables(clickhouse)
  await createTopics(transport)
  await writeEvents(transport, [...someEvents(events), brokenEvent])
  const rows = shopRows(clickhouse)
  const stateDir = await mkdtemp(join(tmpdir(), 'millrace-shop-'))
  try {
    const failure: FailureOptions = {
      produce: 'dead-letter',
      deadLetter: { topic: DEAD_LETTERS_TOPIC },
      handleDeadLetter: ({ value }, error) => say(`${DEAD_LETTERS_TOPIC}: ${Buffer.from(value ?? []).toString()}: ${String(error)}`),
    }
    const app = await start(defineApp({ topology: shopTopology(rows), applicationId: 'shop', transport, stateDir, failure }))
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
