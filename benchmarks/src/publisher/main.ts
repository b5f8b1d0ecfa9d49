import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { silentLogger } from '@millrace/core'
import { kafka } from '@millrace/transport-kafka'
import Table from 'cli-table3'
import { median } from 'simple-statistics'
import { thisMachine } from '../report/machine.ts'
import type { LoopUse, Sender } from './loop-use.ts'
import { Service } from './service.ts'
import type { Latency, Throughput } from './ways.ts'

/** What a broker is opened with: `openBroker` of `tools/broker`. */
export type OpenBroker = (options: { readonly say: (line: string) => void }) => Promise<{ readonly brokers: string; stop(): Promise<void> }>

const TIMEOUT_MS = 50
const BATCH = 1_000
/** It is faster: so many events more make a run as long. */
const PACKED_TIMES = 4
const LOOP_RATE = 10_000
const SENDERS: readonly Sender[] = ['nobody', 'service', 'worker']
const USAGE = `npm run bench:publisher -- [--brokers host:port,...] [--events N] [--runs N] [--json FILE]

The publisher beside a service that awaits one send after the other, by the same client, and on the packed client, on a real broker, in turns, each in a process of its own; and what publishing takes of a service's event loop with and without a worker.
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
    const results = await measure(broker.brokers, { events: Number(values.events), runs: Number(values.runs) })
    process.stdout.write(`${tell(results)}\n`)
    if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify({ machine: thisMachine(), ...results }, null, 2)}\n`)
    return 0
  } finally {
    await broker.stop()
  }
}

/** Of each run. */
interface Results {
  readonly awaited: readonly Throughput[]
  readonly published: readonly Throughput[]
  /** On the packed client, in larger batches. */
  readonly packed: readonly Throughput[]
  readonly latencies: readonly Latency[]
  readonly packedLatencies: readonly Latency[]
  readonly loops: Readonly<Record<Sender, readonly LoopUse[]>>
}

async function measure(brokers: string, { events, runs }: { readonly events: number; readonly runs: number }): Promise<Results> {
  const topic = `bench-publisher-${randomUUID()}`
  const admin = await kafka({ brokers }).openAdmin({ logger: silentLogger })
  await admin.createTopics([{ topic, partitions: 4 }])
  const results = {
    awaited: [] as Throughput[],
    published: [] as Throughput[],
    packed: [] as Throughput[],
    latencies: [] as Latency[],
    packedLatencies: [] as Latency[],
    loops: { nobody: [] as LoopUse[], service: [] as LoopUse[], worker: [] as LoopUse[] },
  }
  const where = { brokers, topic }
  const publishing = { ...where, way: 'published', batchSize: BATCH } as const
  const steadily = { ...where, way: 'steadily', timeoutMs: TIMEOUT_MS, perSecond: 1_000, forMs: 4_000 } as const
  const looping = { ...where, way: 'loop', client: 'confluent', timeoutMs: TIMEOUT_MS, perSecond: LOOP_RATE, forMs: 2_000 } as const
  using sending = new Service()
  using watched = new Service()
  using ofConfluent = new Service()
  using ofPacked = new Service()
  // The first of each is not counted.
  for (let run = -1; run < runs; run++) {
    const awaited = await sending.run({ ...where, way: 'awaited', count: Math.ceil(events / 20) })
    const published = await ofConfluent.run({ ...publishing, client: 'confluent', count: events })
    const packed = await ofPacked.run({ ...publishing, client: 'packed', count: PACKED_TIMES * events })
    const latency = await ofConfluent.run({ ...steadily, client: 'confluent' })
    const packedLatency = await ofPacked.run({ ...steadily, client: 'packed' })
    for (const sender of SENDERS) {
      const use = await watched.run({ ...looping, sender })
      if (run >= 0) results.loops[sender].push(use)
    }
    if (run < 0) continue
    results.awaited.push(awaited)
    results.published.push(published)
    results.packed.push(packed)
    results.latencies.push(latency)
    results.packedLatencies.push(packedLatency)
  }
  await admin.deleteTopics([topic])
  await admin.close()
  return results
}

function tell({ awaited, published, packed, loops, ...steady }: Results): string {
  const table = new Table({
    head: ['', 'events/s', 'slowest', 'fastest', 'us of its thread'],
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'right', 'right', 'right'],
  })
  for (const [name, runs] of [
    ['one awaited send after the other', awaited],
    [`publisher, batches of up to ${count(BATCH)}`, published],
    [`publisher on the packed client, batches of up to ${count(BATCH)}`, packed],
  ] as const) {
    const rates = runs.map(({ perSecond }) => perSecond)
    const thread = median(runs.map(({ threadMicros }) => threadMicros))
    table.push([name, ...[median(rates), Math.min(...rates), Math.max(...rates)].map(count), thread.toFixed(1)])
  }
  const ratio = median(published.map(({ perSecond }, run) => perSecond / (awaited[run] as Throughput).perSecond))
  const rate = median(packed.map(({ perSecond }) => perSecond))
  const bound = (reached: boolean, says: string) => `${reached ? 'reached    ' : 'NOT REACHED'}  ${says}`
  const within = (whose: string, runs: readonly Latency[]) => {
    const p99 = median(runs.map(({ p99Ms }) => p99Ms))
    const alone = median(runs.map(({ aloneMs }) => aloneMs))
    const says = `p99 ${whose} within the batch timeout (${TIMEOUT_MS} ms) plus 20 ms, at 1,000 events a second`
    return bound(
      p99 <= TIMEOUT_MS + 20,
      `${says}: ${p99.toFixed(1)} ms (a timer of ${TIMEOUT_MS} ms and a send alone: ${alone.toFixed(1)} ms)`,
    )
  }
  return [
    table.toString(),
    bound(ratio >= 10, `at least 10 times the throughput of one awaited send outstanding: ${ratio.toFixed(1)} times`),
    bound(rate >= 200_000, `at least 200,000 events a second on the packed client, not awaited one by one: ${count(rate)}`),
    within('with the first client', steady.latencies),
    within('with the packed client', steady.packedLatencies),
    tellLoops(loops),
  ].join('\n')
}

/** Of the event loop of a service at a steady rate: how busy it is, what of the processor its thread takes, and how late it is. */
function tellLoops(loops: Results['loops']): string {
  const table = new Table({
    head: [`event loop at ${count(LOOP_RATE)} events/s`, 'busy', 'us of its thread', 'late, p99 ms'],
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'right', 'right'],
  })
  const of = (sender: Sender, what: keyof LoopUse) => median(loops[sender].map((use) => use[what]))
  const names = { nobody: 'events are made, and not published', service: 'publisher', worker: 'publisher with a worker' }
  for (const sender of SENDERS)
    table.push([
      names[sender],
      `${(100 * of(sender, 'busy')).toFixed(1)} %`,
      of(sender, 'threadMicros').toFixed(1),
      of(sender, 'lateMs').toFixed(1),
    ])
  const ratio = (what: keyof LoopUse) =>
    median(loops.worker.map((use, run) => use[what] / (loops.service[run] as LoopUse)[what])).toFixed(2)
  return `${table.toString()}\nwith a worker the loop is busy ${ratio('busy')} times as long, and its thread takes ${ratio('threadMicros')} times the processor`
}

function count(number: number): string {
  return Math.round(number).toLocaleString('en')
}
