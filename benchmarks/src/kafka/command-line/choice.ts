import { CommanderError } from 'commander'
import { PROGRAM_NAMES } from '../programs/programs.ts'
import { type Workload, workloads } from '../workloads.ts'
import type { Settings } from './parse-arguments.ts'

const USAGE = 2

/** What is measured besides throughput. */
export const LATENCIES = { 'latency-a': 'a', 'latency-c': 'c' } as const
const HEAP = 'heap'

export type LatencyName = keyof typeof LATENCIES

/** What is to be measured. */
export interface Choice {
  readonly workloads: readonly Workload[]
  readonly latencies: readonly LatencyName[]
  readonly heap: boolean
}

/** All workloads, with the programs that are to be measured. */
export function workloadsOf(settings: Settings): readonly Workload[] {
  const { program } = settings
  const all = workloads(settings)
  if (program.length === 0) return all
  return all.map((workload) => ({ ...workload, programs: workload.programs.filter((name) => program.includes(name)) }))
}

/** In the order of all; throws a `CommanderError` for a name that there is not. */
export function choiceOf(settings: Settings): Choice {
  const { only, program, short } = settings
  const all = workloadsOf(settings)
  const latencies = Object.keys(LATENCIES) as LatencyName[]
  const known: readonly string[] = [...all.map(({ name }) => name), ...latencies, HEAP]
  const isProgram = (name: string) => (PROGRAM_NAMES as readonly string[]).includes(name)
  const unknown = [...only.filter((name) => !known.includes(name)), ...program.filter((name) => !isProgram(name))]
  if (unknown.length > 0) throw new CommanderError(USAGE, 'bench.only', `There is no '${unknown.join("' or '")}': see --list.`)
  const isChosen = (name: string) => only.length === 0 || only.includes(name)
  return {
    workloads: all.filter(({ name, programs }) => isChosen(name) && programs.length > 0),
    latencies: latencies.filter((name) => isChosen(name) && !(short && only.length === 0)),
    heap: isChosen(HEAP) && !(short && only.length === 0),
  }
}

/** The names of all that there is, and what they mean. */
export function listing(settings: Settings): string {
  const indent = ' '.repeat(14)
  const lines = workloads(settings).map(({ name, title, programs }) => `${name.padEnd(14)}${title}\n${indent}${programs.join(', ')}`)
  const latencies = Object.entries(LATENCIES).map(([name, workload]) => `${name.padEnd(14)}latency of (${workload})`)
  return [...lines, ...latencies, `${HEAP.padEnd(14)}the smallest heap in which each does (a) nearly as fast as it can`].join('\n')
}
