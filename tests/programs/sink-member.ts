import { silentLogger } from 'millrace'
import { createBulkSink } from 'millrace/bulk-sink'
import { clickhouse } from 'millrace/clickhouse'
import { postgres } from 'millrace/postgres'
import type { SinkMemberConfig, SinkReport } from '../support/sink-messages.ts'

// Writes rows as fast as its sink takes them, by several at once, and tells how much memory it has.
const { kind, url, table, rows, rowBytes } = JSON.parse(String(process.argv[2])) as SinkMemberConfig
const WRITERS = 8
const REPORT_MS = 20
let written = 0
const sink = createBulkSink({
  logger: silentLogger,
  driver: kind === 'ClickHouse' ? clickhouse({ url }) : postgres({ url }),
  tables: { [table]: { preset: 'events', id: 'id' } },
  retry: { initialDelayMs: 20, maxDelayMs: 500 },
  circuitBreaker: { openMs: 500 },
})

function tell(): void {
  const report: SinkReport = { rssBytes: process.memoryUsage.rss(), written, failed: sink.metrics().batching.failed_batches }
  process.send?.(report)
}

async function write(first: number): Promise<void> {
  for (let id = first; id < rows; id += WRITERS) {
    // A text of its own for each row.
    await sink.write(table, { id, text: Buffer.alloc(rowBytes, `${id} `).toString('latin1') })
    written++
  }
}

tell()
const telling = setInterval(tell, REPORT_MS)
await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)))
await sink.flush()
clearInterval(telling)
tell()
await sink.close()
process.disconnect()
