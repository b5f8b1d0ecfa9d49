import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { silentLogger } from '@millrace/core'
import { kafka } from '@millrace/transport-kafka'
import Table from 'cli-table3'
import { type Summary, summarise } from '../harness/summary.ts'
import type { ProgramDone, ProgramMessage } from '../kafka/programs/program-config.ts'
import { packedReaderOf, readerOf } from '../kafka/check/topic-reader.ts'
import { checkWritten } from './check-written.ts'
import type { ClientConfig } from './client-config.ts'

const PARTITIONS = 4
const PROGRAM = fileURLToPath(new URL('program.js', import.meta.url))
const BOUNDS = { read: 10, write: 3 } as const
const CLIENTS = ['packed', 'confluent'] as const
const MIB = 1024 * 1024

type Common = Pick<ClientConfig, 'brokers' | 'partitions' | 'records'>

type OpenBroker = (options: { readonly nodes: number; readonly say: (message: string) => void }) => Promise<{
  readonly brokers: string
  stop(): Promise<void>
}>

/**
 * The packed client beside the raw API of the other, each alone: reading with a string for each key, and writing idempotently. Runs are interleaved, each in a process of its
 * own; the first of each is not counted. What each has read and written is checked. `args`: records, then runs.
 */
export async function main([records = '2000000', runs = '5']: readonly string[], openBroker: OpenBroker): Promise<void> {
  const say = (line: string): void => void process.stdout.write(`${line}\n`)
  const broker = await openBroker({ nodes: 1, say })
  try {
    const common = { brokers: broker.brokers, partitions: PARTITIONS, records: Number(records) }
    const input = await newTopic(broker.brokers)
    await run({ ...common, client: 'packed', work: 'write', topic: input })
    await checked(common, 'packed', input)
    const samples = new Map<string, ProgramDone[]>()
    for (let i = 0; i <= Number(runs); i++) {
      for (const work of ['read', 'write'] as const) {
        for (const client of CLIENTS) {
          const topic = work === 'read' ? input : await newTopic(broker.brokers)
          const done = await run({ ...common, client, work, topic })
          if (work === 'write') await checked(common, client, topic)
          if (i > 0) samples.set(`${work} ${client}`, [...(samples.get(`${work} ${client}`) ?? []), done])
        }
      }
    }
    say(tableOf(samples, Number(records)))
  } finally {
    await broker.stop()
  }
}

/** What one client has written is read by the other. */
async function checked({ brokers, partitions, records }: Common, writer: ClientConfig['client'], topic: string): Promise<void> {
  const transport = kafka({ brokers })
  const openReader = writer === 'packed' ? readerOf(transport) : packedReaderOf(brokers)
  await checkWritten({ transport, openReader, topic, partitions, isolation: 'read-uncommitted' }, records)
}

async function newTopic(brokers: string): Promise<string> {
  const topic = `clients-${randomUUID()}`
  await using admin = await kafka({ brokers }).openAdmin({ logger: silentLogger })
  await admin.createTopics([{ topic, partitions: PARTITIONS }])
  return topic
}

async function run(config: ClientConfig): Promise<ProgramDone> {
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, JSON.stringify(config)])
  const messages = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ProgramMessage)
  const done = messages.find((message) => message.type === 'done')
  if (done === undefined) throw new Error(`${config.client} did not tell how its ${config.work} went: ${stdout}`)
  return done
}

function tableOf(samples: ReadonlyMap<string, readonly ProgramDone[]>, records: number): string {
  const table = new Table({ head: ['', 'records/s', 'spread', 'us of CPU a record', 'MiB'], style: { head: [], border: [] } })
  const rates = new Map<string, Summary>()
  for (const [name, all] of samples) {
    const rate = summarise(all.map(({ ms }) => (records * 1_000) / ms))
    rates.set(name, rate)
    const cpu = summarise(all.map(({ cpuMs }) => (cpuMs * 1_000) / records)).median
    const peak = summarise(all.map(({ peakBytes }) => peakBytes / MIB)).median
    table.push([name, thousands(rate.median), `${thousands(rate.min)}-${thousands(rate.max)}`, cpu.toFixed(2), peak.toFixed(0)])
  }
  const lines = Object.entries(BOUNDS).map(([work, bound]) => {
    const ratio = (rates.get(`${work} packed`)?.median ?? 0) / (rates.get(`${work} confluent`)?.median ?? Infinity)
    return `${ratio >= bound ? 'reached    ' : 'NOT REACHED'}  ${work}: ${ratio.toFixed(1)} times, to reach: ${bound}`
  })
  return [table.toString(), ...lines].join('\n')
}

function thousands(rate: number): string {
  return `${(rate / 1_000).toFixed(0)} k`
}
