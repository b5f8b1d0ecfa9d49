import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CommanderError } from 'commander'
import { thisMachine } from '../report/machine.ts'
import { type Choice, choiceOf, LATENCIES, listing, workloadsOf } from './command-line/choice.ts'
import { parseArguments, type Settings } from './command-line/parse-arguments.ts'
import { kafkaStreams, type Program, type ProgramName, programsOf } from './programs/programs.ts'
import { boundResults } from './report/bounds.ts'
import { writeIntoPage } from './report/page.ts'
import { drawn } from './report/plain-table.ts'
import { resultTables } from './report/result-tables.ts'
import type { Results } from './report/results.ts'
import { measureAll } from './run/measure-all.ts'
import { openBrokers, type Tools } from './run/open-brokers.ts'
import { Surroundings } from './run/surroundings.ts'
import type { Workload } from './workloads.ts'

const USAGE = 2

/** Runs the comparison on a real broker; resolves to an exit code. */
export async function main(args: readonly string[], tools: Tools): Promise<number> {
  // What was started ends with this.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130))
  try {
    const settings = parseArguments(args)
    if (settings !== undefined) await compare(settings, args, tools)
    return 0
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    process.stderr.write(`bench:kafka: ${error.message.replace(/^error: /, '')} See --help.\n`)
    return USAGE
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

async function compare(settings: Settings, args: readonly string[], tools: Tools): Promise<void> {
  const { list, from, json, page } = settings
  const choice = choiceOf(settings)
  if (list) {
    say(listing(settings))
    return
  }
  const results = from === undefined ? await measured(settings, { choice, args, tools }) : await written(from)
  for (const { says, reached, measured: figures } of boundResults(results))
    say(`${reached ? 'reached    ' : 'NOT REACHED'}  ${says}: ${figures}`)
  if (json !== undefined) await writeFile(json, `${JSON.stringify(results, null, 2)}\n`)
  if (page !== undefined) await writeIntoPage(page, results)
}

/** What was measured before. */
async function written(file: string): Promise<Results> {
  const results = JSON.parse(await readFile(file, 'utf8')) as Results
  for (const table of resultTables(results)) say(drawn(table))
  return results
}

interface Measuring {
  readonly choice: Choice
  readonly args: readonly string[]
  readonly tools: Tools
}

async function measured(settings: Settings, { choice, args, tools }: Measuring): Promise<Results> {
  const { runs: rounds, heapMb } = settings
  const all = workloadsOf(settings)
  const workload = (name: string) => all.find((one) => one.name === name) as Workload
  const chosen = [...choice.workloads, ...choice.latencies.map((name) => workload(LATENCIES[name]))]
  const needsJava = choice.heap || chosen.some(({ programs }) => programs.includes('kafka-streams'))
  const streamsApp = needsJava ? await tools.streamsApp(say) : []
  const programs = programsOf({ streamsApp, heapMb })
  const command = ['npm run bench:kafka --', ...args].join(' ')
  const date = new Date().toISOString().slice(0, 10)
  await using brokers = await openBrokers(settings.brokers, tools, say)
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
  try {
    await using surroundings = await Surroundings.open(brokers, folder)
    const results = await measureAll({
      choice,
      workload,
      program: (name: ProgramName) => programs.get(name) as Program,
      kafkaStreams: (megabytes) => kafkaStreams({ streamsApp, heapMb: megabytes }),
      rounds,
      surroundings,
      profileFolder: settings.profile,
      say,
    })
    return { date, command, machine: thisMachine(), rounds, ...results }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
