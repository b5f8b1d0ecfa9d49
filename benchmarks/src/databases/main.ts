import type { SinkMetricsReport } from '@millrace/bulk-sink'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { writeFile } from 'node:fs/promises'
import type { Comparison, Target } from '../harness/comparison.ts'
import { measure, type Measured } from '../harness/measure.ts'
import { thisMachine } from '../report/machine.ts'
import { figure } from '../report/figures.ts'
import { measuredTable } from '../report/table.ts'
import { exitCodeFor, targetLines, targetResults } from '../report/targets.ts'
import { clickhouseComparison } from './clickhouse-comparison.ts'
import { countingProxy } from './counting-proxy.ts'
import { postgresComparison } from './postgres-comparison.ts'
import { ONE_AT_A_TIME_ROW, SINGLE_ROW, SINK_ROW } from './row-names.ts'

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
  readonly only?: (typeof DATABASES)[number]
  readonly runs: number
  readonly rows: number
  readonly json?: string
  readonly profile?: string
  readonly strict: boolean
}

const DATABASES = ['postgres', 'clickhouse'] as const

/** How many times as fast as one insert an event a sink is to be, at least. */
const LEAST_TIMES = { postgres: 20, clickhouse: 50 } as const

const targets: readonly Target[] = DATABASES.flatMap((kind) => {
  const comparison = `${kind}, ${BATCH_SIZE} rows a batch`
  const least = LEAST_TIMES[kind]
  return [
    {
      ...{ comparison, row: 'sink', timesFaster: { than: SINGLE_ROW, least } },
      says: `${kind}: a sink with batches of 1,000 rows at least ${least} times as fast as one insert an event`,
    },
    ...[SINK_ROW, ONE_AT_A_TIME_ROW].map((row) => ({
      ...{ comparison, row, maxTimeRatio: 1.15 },
      says: `${kind}: a ${row} with batches of 1,000 rows within 1.15 times the time of a bare loop`,
    })),
  ]
})

/** Compares sinks with what one would write without them, on real servers; resolves to an exit code. */
export async function main(args: readonly string[], tools: Tools): Promise<number> {
  try {
    return await compare(parse(args), tools)
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
    .addOption(new Option('--only <database>').choices(DATABASES))
    .option('--runs <number>', 'of each', whole, 9)
    .option('--rows <number>', 'in a run', whole, 20_000)
    .option('--json <file>', 'for figures')
    .option('--profile <folder>', 'for a CPU profile of each')
    .option('--strict', 'end with 1 if a target that was measured is not reached: for a quiet machine', false)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .parse([...args], { from: 'user' })
    .opts<Settings>()
}

async function compare(
  { only, runs, rows: records, json, profile: profileFolder, strict }: Settings,
  { openPostgres, openClickhouse }: Tools,
): Promise<number> {
  const measured: Measured[] = []
  const last = new Map<string, SinkMetricsReport>()
  const onMetrics = (name: string, metrics: SinkMetricsReport) => void last.set(name, metrics)
  for (const kind of DATABASES) {
    if (only !== undefined && only !== kind) continue
    const server = await (kind === 'postgres' ? openPostgres({ durable: true }) : openClickhouse())
    try {
      const comparisonAt = (url: string) => {
        const options = { url, batchSize: BATCH_SIZE, records, onMetrics }
        return kind === 'postgres' ? postgresComparison(options) : clickhouseComparison(options)
      }
      const one = await measure(comparisonAt(server.url), { runs, runMs: 0, warmUpRuns: 2, profileFolder })
      measured.push(one)
      process.stdout.write(`${measuredTable(one)}\n`)
      for (const [name, bytes] of await sentBytes(server.url, comparisonAt))
        process.stdout.write(`${kind}, ${name}: ${figure(bytes)} bytes on the wire an event\n`)
    } finally {
      await server.stop()
    }
  }
  for (const [name, { inserts, inserted_bytes: bytes, avg_event_latency_ms: latency }] of last)
    process.stdout.write(
      `${name}: ${inserts} inserts, ${bytes} bytes of rows, a mean of ${latency.toFixed(1)} ms until an event is stored\n`,
    )
  const results = targetResults(targets, measured)
  process.stdout.write(targetLines(results))
  const machine = thisMachine()
  if (json !== undefined)
    await writeFile(json, `${JSON.stringify({ machine, targets: results, comparisons: measured, sinks: [...last] }, null, 2)}\n`)
  return exitCodeFor(results, strict)
}

/** What each way of doing it sends for an event, in a run that is not timed. */
async function sentBytes(serverUrl: string, comparisonAt: (url: string) => Comparison): Promise<[string, number][]> {
  await using proxy = await countingProxy(serverUrl)
  const { baseline, others } = comparisonAt(proxy.url)
  const all: [string, number][] = []
  for (const contender of [baseline, ...others]) {
    const { name, records } = contender
    const opened = await contender.open()
    const before = proxy.sentBytes
    await opened.work()
    all.push([name, (proxy.sentBytes - before) / records])
    await opened.close?.()
  }
  return all
}
