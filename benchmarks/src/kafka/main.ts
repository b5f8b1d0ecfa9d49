import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CommanderError } from 'commander'
import { thisMachine } from '../report/machine.ts'
import { type Choice, choiceOf, LATENCIES, listing, workloadsOf } from './command-line/choice.ts'
import { parseArguments, type Settings } from './command-line/parse-arguments.ts'
import { kafkaStreams, type Program, type ProgramName, programsOf } from './programs/programs.ts'
import { boundResults } from './report/bounds.ts'
import { writeIntoPage } from './report/page.ts'
import { drawn } from '../report/plain-table.ts'
import { resultTables } from './report/result-tables.ts'
import { readResults, writeResults } from './report/results-file.ts'
import { merged, noResults, type Results } from './report/results.ts'
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
  const file = from ?? json
  const before = file === undefined ? undefined : await readResults(file)
  if (from !== undefined && before === undefined) throw new CommanderError(USAGE, 'bench.from', `There is no file ${from}.`)
  let results = before ?? noResults(thisMachine())
  if (from === undefined) {
    // As it goes: who is interrupted keeps what there is.
    await measure(settings, { choice, args, tools, before }, async (now) => {
      results = merged(results, now)
      if (json !== undefined) await writeResults(json, results)
      if (page !== undefined) await writeIntoPage(page, results)
    })
  } else {
    for (const table of resultTables(results)) say(drawn(table))
    if (page !== undefined) await writeIntoPage(page, results)
  }
  for (const { says, reached, measured } of boundResults(results)) say(`${reached ? 'reached    ' : 'NOT REACHED'}  ${says}: ${measured}`)
}

interface Measuring {
  readonly choice: Choice
  readonly args: readonly string[]
  readonly tools: Tools
  readonly before: Results | undefined
}

async function measure(
  settings: Settings,
  { choice, args, tools, before }: Measuring,
  onResults: (now: Results) => Promise<void>,
): Promise<void> {
  const { runs: rounds, heapMb } = settings
  const all = workloadsOf(settings)
  const workload = (name: string) => all.find((one) => one.name === name) as Workload
  const chosen = [...choice.workloads, ...choice.latencies.map((name) => workload(LATENCIES[name]))]
  const needsJava = choice.heap || chosen.some(({ programs }) => programs.includes('kafka-streams'))
  const streamsApp = needsJava ? await tools.streamsApp(say) : []
  const programs = programsOf({ streamsApp, heapMb })
  const origin = { date: new Date().toISOString().slice(0, 10), command: ['npm run bench:kafka --', ...args].join(' ') }
  await using brokers = await openBrokers(settings.brokers, tools, say)
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
  try {
    await using surroundings = await Surroundings.open(brokers, folder)
    await measureAll({
      choice,
      workload,
      program: (name: ProgramName) => programs.get(name) as Program,
      kafkaStreams: (megabytes) => kafkaStreams({ streamsApp, heapMb: megabytes }),
      rounds,
      surroundings,
      profileFolder: settings.profile,
      say,
      known: before?.workloads ?? [],
      isThere: (name) => settings.resume && before?.origins[name] !== undefined,
      onResult: (name, result) => onResults({ ...noResults(thisMachine()), origins: { [name]: origin }, ...result }),
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
