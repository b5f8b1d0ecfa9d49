import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { silentLogger, type Transport } from '@millrace/core'
import { kafka } from '@millrace/transport-kafka'
import Table from 'cli-table3'
import { median } from 'simple-statistics'
import { thisMachine } from '../report/machine.ts'
import { awaitedSends, latencies, publishedEvents } from './ways.ts'

/** What a broker is opened with: `openBroker` of `tools/broker`. */
export type OpenBroker = (options: { readonly say: (line: string) => void }) => Promise<{ readonly brokers: string; stop(): Promise<void> }>

const TIMEOUT_MS = 50
const USAGE = `npm run bench:publisher -- [--brokers host:port,...] [--events N] [--runs N] [--json FILE]

The publisher beside a service that awaits one send after the other, by the same client, on a real broker, in turns.
`

/** Runs the comparison; resolves to an exit code. */
export async function main(args: readonly string[], openBroker: OpenBroker): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      brokers: { type: 'string' },
      events: { type: 'string', default: '50000' },
      runs: { type: 'string', default: '5' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(USAGE)
    return 0
  }
  const say = (line: string) => process.stderr.write(`${line}\n`)
  const given = values.brokers
  const broker = given === undefined ? await openBroker({ say }) : { brokers: given, stop: async () => undefined }
  try {
    const results = await measure(kafka({ brokers: broker.brokers }), kafka({ brokers: broker.brokers, producer: { 'linger.ms': 0 } }), {
      events: Number(values.events),
      runs: Number(values.runs),
    })
    process.stdout.write(`${tell(results)}\n`)
    if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify({ machine: thisMachine(), ...results }, null, 2)}\n`)
    return 0
  } finally {
    await broker.stop()
  }
}

interface Results {
  /** Events a second, of each run. */
  readonly awaited: readonly number[]
  readonly published: readonly number[]
  readonly ratios: readonly number[]
  /** Of single events at a steady rate, in milliseconds, of each run. */
  readonly p99Ms: readonly number[]
}

/** `immediate`: a client that waits for no company, which is best for who sends one at a time. */
async function measure(transport: Transport, immediate: Transport, { events, runs }: { events: number; runs: number }): Promise<Results> {
  const topic = `bench-publisher-${randomUUID()}`
  const admin = await transport.openAdmin({ logger: silentLogger })
  await admin.createTopics([{ topic, partitions: 4 }])
  const results = { awaited: [] as number[], published: [] as number[], ratios: [] as number[], p99Ms: [] as number[] }
  // The first of each is not counted.
  for (let run = -1; run < runs; run++) {
    const awaited = await awaitedSends(immediate, topic, Math.ceil(events / 20))
    const published = await publishedEvents(transport, topic, events)
    const p99Ms = await latencies(transport, topic, { timeoutMs: TIMEOUT_MS, perSecond: 1_000, forMs: 4_000 })
    if (run < 0) continue
    results.awaited.push(awaited)
    results.published.push(published)
    results.ratios.push(published / awaited)
    results.p99Ms.push(p99Ms)
  }
  await admin.deleteTopics([topic])
  await admin.close()
  return results
}

function tell({ awaited, published, ratios, p99Ms }: Results): string {
  const table = new Table({
    head: ['', 'events/s', 'slowest', 'fastest'],
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'right', 'right'],
  })
  for (const [name, rates] of [
    ['one awaited send after the other', awaited],
    ['publisher, batches of up to 1,000', published],
  ] as const)
    table.push([name, ...[median([...rates]), Math.min(...rates), Math.max(...rates)].map((rate) => Math.round(rate).toLocaleString('en'))])
  const ratio = median([...ratios])
  const p99 = median([...p99Ms])
  const bound = (reached: boolean, says: string) => `${reached ? 'reached    ' : 'NOT REACHED'}  ${says}`
  return [
    table.toString(),
    bound(ratio >= 10, `at least 10 times the throughput of one awaited send outstanding: ${ratio.toFixed(1)} times`),
    bound(
      p99 <= TIMEOUT_MS + 20,
      `p99 within the batch timeout (${TIMEOUT_MS} ms) plus 20 ms, at 1,000 events a second: ${p99.toFixed(1)} ms`,
    ),
  ].join('\n')
}
