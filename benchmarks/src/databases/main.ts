import type { SinkMetricsReport } from '@millrace/bulk-sink'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { writeFile } from 'node:fs/promises'
import type { Target } from '../harness/comparison.ts'
import { measure, type Measured } from '../harness/measure.ts'
import { thisMachine } from '../report/machine.ts'
import { measuredTable } from '../report/table.ts'
import { targetLines, targetResults } from '../report/targets.ts'
import { clickhouseComparison } from './clickhouse-comparison.ts'
import { postgresComparison } from './postgres-comparison.ts'

const USAGE = 2
const BATCH_SIZE = 1_000

interface Server {
  readonly url: string
  stop(): Promise<void>
}

/** Starts the servers. */
export interface Tools {
  readonly openPostgres: (options: { readonly durable: boolean }) => Promise<Server>
  readonly openClickhouse: () => Promise<Server>
}

interface Settings {
  readonly only?: 'postgres' | 'clickhouse'
  readonly runs: number
  readonly rows: number
  readonly json?: string
}

const targets: readonly Target[] = (['postgres', 'clickhouse'] as const).flatMap((kind) => {
  const comparison = `${kind}, ${BATCH_SIZE} rows a batch`
  return {
    comparison,
    row: 'sink',
    maxTimeRatio: 1.15,
    says: `${kind}: a sink with batches of 1,000 rows within 1.15 times the time of a bare loop`,
  }
})

/** Compares sinks with what one would write without them, on real servers; resolves to an exit code. */
export async function main(args: readonly string[], tools: Tools): Promise<number> {
  try {
    await compare(parse(args), tools)
    return 0
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode !== 0) process.stderr.write(`bench:databases: ${error.message.replace(/^error: /, '')} See --help.\n`)
    return error.exitCode === 0 ? 0 : USAGE
  }
}

function parse(args: readonly string[]): Settings {
  const whole = (text: string) => {
    if (/^[1-9]\d*$/.test(text)) return Number(text)
    throw new InvalidArgumentError('Use a whole number of at least 1.')
  }
  return new Command('npm run bench:databases --')
    .description('Bulk sinks beside a bare loop and one insert an event, on real servers')
    .option('--only <database>', 'postgres or clickhouse')
    .option('--runs <number>', 'of each', whole, 9)
    .option('--rows <number>', 'in a run', whole, 20_000)
    .option('--json <file>', 'for figures')
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .parse([...args], { from: 'user' })
    .opts<Settings>()
}

async function compare({ only, runs, rows: records, json }: Settings, { openPostgres, openClickhouse }: Tools): Promise<void> {
  const measured: Measured[] = []
  const last = new Map<string, SinkMetricsReport>()
  const onMetrics = (name: string, metrics: SinkMetricsReport) => void last.set(name, metrics)
  for (const kind of ['postgres', 'clickhouse'] as const) {
    if (only !== undefined && only !== kind) continue
    const server = await (kind === 'postgres' ? openPostgres({ durable: true }) : openClickhouse())
    try {
      const options = { url: server.url, batchSize: BATCH_SIZE, records, onMetrics }
      const comparison = kind === 'postgres' ? postgresComparison(options) : clickhouseComparison(options)
      const one = await measure(comparison, { runs, runMs: 0, warmUpRuns: 2, profileFolder: undefined })
      measured.push(one)
      process.stdout.write(`${measuredTable(one)}\n`)
    } finally {
      await server.stop()
    }
  }
  for (const [name, { inserts, inserted_bytes: bytes, avg_event_latency_ms: latency }] of last)
    process.stdout.write(`${name}: ${inserts} inserts, ${bytes} bytes of rows, a mean of ${latency.toFixed(1)} ms until a row is stored\n`)
  const results = targetResults(targets, measured)
  process.stdout.write(targetLines(results))
  const machine = thisMachine()
  if (json !== undefined)
    await writeFile(json, `${JSON.stringify({ machine, targets: results, comparisons: measured, sinks: [...last] }, null, 2)}\n`)
}
