import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CommanderError } from 'commander'
import { thisMachine } from '../report/machine.ts'
import { parseArguments, type Settings } from './command-line/parse-arguments.ts'
import { type Program, PROGRAM_NAMES, programsOf } from './programs/programs.ts'
import { boundResults } from './report/bounds.ts'
import { writeIntoPage } from './report/page.ts'
import { drawn } from './report/plain-table.ts'
import { workloadTable } from './report/result-tables.ts'
import type { Results, WorkloadResult } from './report/results.ts'
import { measureWorkload } from './run/measure-workload.ts'
import { openBrokers, type Tools } from './run/open-brokers.ts'
import { Surroundings } from './run/surroundings.ts'
import { type Workload, workloads } from './workloads.ts'

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
  const chosen = chosenWorkloads(settings)
  if (settings.list) {
    for (const { name, title, programs } of workloads(settings)) say(`${name.padEnd(14)}${title}\n${' '.repeat(14)}${programs.join(', ')}`)
    return
  }
  const command = ['npm run bench:kafka --', ...args].join(' ')
  const results =
    settings.from === undefined
      ? await measured(settings, { chosen, command, tools })
      : (JSON.parse(await readFile(settings.from, 'utf8')) as Results)
  if (settings.from !== undefined) for (const workload of results.workloads) say(drawn(workloadTable(workload)))
  for (const { says, reached, measured: figures } of boundResults(results))
    say(`${reached ? 'reached    ' : 'NOT REACHED'}  ${says}: ${figures}`)
  if (settings.json !== undefined) await writeFile(settings.json, `${JSON.stringify(results, null, 2)}\n`)
  if (settings.page !== undefined) await writeIntoPage(settings.page, results)
}

/** In the order of all; throws for a name that there is not. */
function chosenWorkloads(settings: Settings): readonly Workload[] {
  const { only, program } = settings
  const all = workloads(settings)
  const known = all.map(({ name }) => name)
  const unknown = [...only.filter((name) => !known.includes(name)), ...program.filter((name) => !isProgram(name))]
  if (unknown.length > 0) throw new CommanderError(USAGE, 'bench.only', `There is no '${unknown.join("' or '")}': see --list.`)
  const programs = (names: Workload['programs']) => (program.length === 0 ? names : names.filter((name) => program.includes(name)))
  return all
    .filter(({ name }) => only.length === 0 || only.includes(name))
    .map((workload) => ({ ...workload, programs: programs(workload.programs) }))
    .filter((workload) => workload.programs.length > 0)
}

function isProgram(name: string): boolean {
  return (PROGRAM_NAMES as readonly string[]).includes(name)
}

interface Measuring {
  readonly chosen: readonly Workload[]
  readonly command: string
  readonly tools: Tools
}

async function measured(settings: Settings, { chosen, command, tools }: Measuring): Promise<Results> {
  const { runs: rounds, heapMb } = settings
  const needsJava = chosen.some(({ programs }) => programs.includes('kafka-streams'))
  const programs = programsOf(needsJava ? { streamsApp: await tools.streamsApp(say), heapMb } : undefined)
  await using brokers = await openBrokers(settings.brokers, tools, say)
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
  try {
    await using surroundings = await Surroundings.open(brokers, folder)
    const measuredWorkloads: WorkloadResult[] = []
    for (const workload of chosen) {
      if (workload.distant && brokers.distant === undefined) {
        say(`(${workload.name}) is left out: brokers that are not ours can't be put behind a proxy.\n`)
        continue
      }
      const runs = await measureWorkload(workload, {
        programs: workload.programs.map((name) => programs.get(name) as Program),
        rounds,
        surroundings,
        onRun: ({ title }, { recordsPerSecond }) =>
          say(`  (${workload.name}) ${title}: ${Math.round(recordsPerSecond).toLocaleString('en')} records/s`),
      })
      const result: WorkloadResult = {
        name: workload.name,
        title: workload.title,
        programs: runs.map(({ program, runs: all }) => ({ name: program.name, title: program.title, runs: all })),
      }
      say(`\n${drawn(workloadTable(result))}`)
      measuredWorkloads.push(result)
    }
    return { date: new Date().toISOString().slice(0, 10), command, machine: thisMachine(), rounds, workloads: measuredWorkloads }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
