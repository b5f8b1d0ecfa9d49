import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kafka } from '@millrace/transport-kafka'
import Table from 'cli-table3'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { type Summary, summarise } from '../harness/summary.ts'
import { thisMachine } from '../report/machine.ts'
import { readBare, restore, writeChangelog } from './restore-rate.ts'

const USAGE = 2
/** What the issue of a rate is: a restore has to keep up with a bare read of the same topic, but for a fifth. */
const LEAST_SHARE = 0.8

type OpenBroker = (options: { readonly nodes: number; readonly longLived: boolean; readonly say: (message: string) => void }) => Promise<{
  readonly brokers: string
  stop(): Promise<void>
}>

interface Settings {
  readonly records: number
  readonly runs: number
  readonly brokers?: string
  readonly json?: string
}

/** Runs the comparisons on a real broker; resolves to an exit code. `openBroker` starts one of our own, where none is given. */
export async function main(args: readonly string[], openBroker: OpenBroker): Promise<number> {
  try {
    const settings = parsed(args)
    if (settings !== undefined) await compare(settings, openBroker)
    return 0
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    process.stderr.write(`bench:kafka: ${error.message.replace(/^error: /, '')} See --help.\n`)
    return USAGE
  }
}

async function compare({ records, runs, brokers, json }: Settings, openBroker: OpenBroker): Promise<void> {
  const say = (line: string) => process.stdout.write(`${line}\n`)
  const broker = brokers === undefined ? await openBroker({ nodes: 1, longLived: true, say }) : undefined
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
  try {
    const transport = kafka({ brokers: brokers ?? broker?.brokers ?? '' })
    const options = { transport, applicationId: `bench-${randomUUID().slice(0, 8)}`, folder, records }
    await writeChangelog(options)
    const contenders = {
      'bare read': () => readBare(options),
      'restore, LevelDB': () => restore(options, 'leveldb'),
      'restore, memory': () => restore(options, 'memory'),
    }
    const samples = new Map<string, number[]>(Object.keys(contenders).map((name) => [name, []]))
    // In turn, so that noise hits all alike; the first of each is not counted.
    for (let run = 0; run <= runs; run++) {
      for (const [name, contender] of Object.entries(contenders)) {
        const ms = await contender()
        if (run > 0) samples.get(name)?.push((ms * 1_000) / records)
      }
    }
    const summaries = new Map([...samples].map(([name, all]) => [name, summarise(all)]))
    const bare = summaries.get('bare read') as Summary
    const table = new Table({ head: ['', 'us/record', 'spread', 'rate, of a bare read'], style: { head: [], border: [] } })
    for (const [name, { median, min, max }] of summaries)
      table.push([name, median.toFixed(2), `${min.toFixed(2)}-${max.toFixed(2)}`, `${((bare.median / median) * 100).toFixed(0)} %`])
    say(`\nrestore of ${records} keys (median of ${runs} runs)\n${table.toString()}`)
    for (const [name, { median }] of summaries) {
      if (name === 'bare read') continue
      const share = bare.median / median
      say(
        `${share >= LEAST_SHARE ? 'reached    ' : 'NOT REACHED'}  ${name} at ${LEAST_SHARE * 100} % of the rate of a bare read: ${(share * 100).toFixed(0)} %`,
      )
    }
    if (json !== undefined) {
      const result = { machine: thisMachine(), records, runs, restore: Object.fromEntries(summaries) }
      await writeFile(json, `${JSON.stringify(result, null, 2)}\n`)
    }
  } finally {
    await broker?.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

function parsed(args: readonly string[]): Settings | undefined {
  const command = new Command('bench:kafka')
    .description('Measures Millrace on a real broker, beside the bare client.')
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .option('--records <number>', 'keys of the changelog that is restored', whole, 1_000_000)
    .option('--runs <number>', 'how often each is timed', whole, 5)
    .option('--brokers <addresses>', 'a broker that runs; default: one of its own')
    .option('--json <file>', 'write the results to this file too')
  try {
    command.parse(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return undefined
    throw error
  }
  return command.opts<Settings>()
}

function whole(value: string): number {
  if (!/^[1-9]\d{0,8}$/.test(value)) throw new InvalidArgumentError('Give a whole number from 1 up.')
  return Number(value)
}
