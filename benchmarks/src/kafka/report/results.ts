import type { Machine } from '../../report/machine.ts'
import type { ProgramName } from '../programs/programs.ts'
import type { HeapRuns } from '../run/measure-heaps.ts'
import type { RunResult } from '../run/run-once.ts'
import type { ProgramProfile } from '../../report/profile-parts.ts'
import type { LatencyResult } from './latency.ts'

/** What `--json` writes. */
export interface Results {
  readonly machine: Machine
  /** Of each part, by its name as `--list` has it. */
  readonly origins: Readonly<Record<string, Origin>>
  readonly workloads: readonly WorkloadResult[]
  readonly profiles: readonly ProfileResult[]
  readonly latencies: readonly LatencyResult[]
  readonly heap?: readonly HeapRuns[] | undefined
}

/** Where figures come from. */
export interface Origin {
  /** Of the day. */
  readonly date: string
  /** What was called. */
  readonly command: string
}

export interface WorkloadResult {
  readonly name: string
  readonly title: string
  readonly commitIntervalMs: number
  readonly programs: readonly ProgramResult[]
}

export interface ProfileResult {
  readonly workload: string
  readonly programs: readonly ProgramProfile[]
}

export interface ProgramResult {
  readonly name: ProgramName
  readonly title: string
  /** One a round; the same rounds for all programs of a workload. */
  readonly runs: readonly RunResult[]
}

/** Before anything is measured. */
export function noResults(machine: Machine): Results {
  return { machine, origins: {}, workloads: [], profiles: [], latencies: [] }
}

/** What was measured before, with what is measured now in its place, each in the order of names. */
export function merged(before: Results, now: Results): Results {
  return {
    machine: now.machine,
    origins: { ...before.origins, ...now.origins },
    workloads: replaced(before.workloads, now.workloads, ({ name }) => name),
    profiles: replaced(before.profiles, now.profiles, ({ workload }) => workload),
    latencies: replaced(before.latencies, now.latencies, ({ workload }) => workload),
    heap: now.heap ?? before.heap,
  }
}

function replaced<T>(before: readonly T[], now: readonly T[], nameOf: (one: T) => string): readonly T[] {
  const all = new Map([...before, ...now].map((one) => [nameOf(one), one]))
  return [...all].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one)
}

/** How many times as fast `name` was as `against`, of each round; or as much, of another figure. Nothing where one of them did not run, or has no such figure. */
export function ratios(
  { programs }: WorkloadResult,
  name: ProgramName,
  against: ProgramName,
  figure: (run: RunResult) => number | undefined = ({ recordsPerSecond }) => recordsPerSecond,
): readonly number[] {
  const figures = (of: ProgramName) => (programs.find((program) => program.name === of)?.runs ?? []).map(figure)
  const others = figures(against)
  return figures(name).flatMap((one, round) => {
    const other = others[round]
    return one === undefined || other === undefined ? [] : [one / other]
  })
}
