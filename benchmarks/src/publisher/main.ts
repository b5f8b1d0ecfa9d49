import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { silentLogger } from '@millrace/core'
import { kafka } from '@millrace/transport-kafka'
import { exitCodeFor, targetLines } from '../report/targets.ts'
import { thisMachine } from '../report/machine.ts'
import type { LoopUse } from './loop-use.ts'
import { BATCH, DEFAULT_TIMEOUT_MS, FEW, LOOP_RATE, type Results, SENDERS, tablesOf, targetsOf, TIMEOUT_MS } from './results.ts'
import { Service } from './service.ts'
import type { Latency, Throughput } from './ways.ts'

/** What a broker is opened with: `openBroker` of `tools/broker`. */
export type OpenBroker = (options: { readonly say: (line: string) => void }) => Promise<{ readonly brokers: string; stop(): Promise<void> }>

/** It is faster: so many events more make a run as long. */
const PACKED_TIMES = 4
const USAGE = `npm run bench:publisher -- [--brokers host:port,...] [--events N] [--runs N] [--json FILE] [--strict]

The publisher beside a service that awaits one send after the other, by the same client, and on the packed client, on a real broker, in turns, each in a process of its own; and what publishing takes of a service's event loop with and without a worker.
--strict ends with 1 if a target is not reached: for a quiet machine.
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
      strict: { type: 'boolean', default: false },
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
    const targets = targetsOf(results)
    process.stdout.write(`${tablesOf(results)}\n${targetLines(targets)}`)
    if (values.json !== undefined)
      await writeFile(values.json, `${JSON.stringify({ machine: thisMachine(), targets, ...results }, null, 2)}\n`)
    return exitCodeFor(targets, values.strict)
  } finally {
    await broker.stop()
  }
}

async function measure(brokers: string, { events, runs }: { readonly events: number; readonly runs: number }): Promise<Results> {
  const topic = `bench-publisher-${randomUUID()}`
  const admin = await kafka({ brokers }).openAdmin({ logger: silentLogger })
  await admin.createTopics([{ topic, partitions: 4 }])
  const results = {
    awaited: [] as Throughput[],
    published: [] as Throughput[],
    byDefault: [] as Throughput[],
    packed: [] as Throughput[],
    latencies: [] as Latency[],
    packedLatencies: [] as Latency[],
    defaultLatencies: [] as Latency[],
    loops: { nobody: [] as LoopUse[], service: [] as LoopUse[], worker: [] as LoopUse[] },
  }
  const where = { brokers, topic }
  const publishing = { ...where, way: 'published', batchSize: BATCH } as const
  const steadily = { ...where, way: 'steadily', timeoutMs: TIMEOUT_MS, perSecond: 1_000, forMs: 4_000 } as const
  const few = { defaults: true, timeoutMs: DEFAULT_TIMEOUT_MS, perSecond: FEW } as const
  const looping = { ...where, way: 'loop', client: 'confluent', timeoutMs: TIMEOUT_MS, perSecond: LOOP_RATE, forMs: 2_000 } as const
  using sending = new Service()
  using watched = new Service()
  using ofConfluent = new Service()
  using ofPacked = new Service()
  using ofDefaults = new Service()
  // The first of each is not counted.
  for (let run = -1; run < runs; run++) {
    const awaited = await sending.run({ ...where, way: 'awaited', count: Math.ceil(events / 20) })
    const published = await ofConfluent.run({ ...publishing, client: 'confluent', count: events })
    const byDefault = await ofDefaults.run({ ...publishing, batchSize: undefined, client: 'confluent', count: events })
    const packed = await ofPacked.run({ ...publishing, client: 'packed', count: PACKED_TIMES * events })
    const latency = await ofConfluent.run({ ...steadily, client: 'confluent' })
    const packedLatency = await ofPacked.run({ ...steadily, client: 'packed' })
    const defaultLatency = await ofDefaults.run({ ...steadily, ...few, client: 'confluent' })
    for (const sender of SENDERS) {
      const use = await watched.run({ ...looping, sender })
      if (run >= 0) results.loops[sender].push(use)
    }
    if (run < 0) continue
    results.awaited.push(awaited)
    results.published.push(published)
    results.byDefault.push(byDefault)
    results.packed.push(packed)
    results.latencies.push(latency)
    results.packedLatencies.push(packedLatency)
    results.defaultLatencies.push(defaultLatency)
  }
  await admin.deleteTopics([topic])
  await admin.close()
  return results
}
