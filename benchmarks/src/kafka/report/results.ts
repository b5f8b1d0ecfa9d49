import type { Machine } from '../../report/machine.ts'
import type { ProgramName } from '../programs/programs.ts'
import type { HeapRuns } from '../run/measure-heaps.ts'
import type { RunResult } from '../run/run-once.ts'
import type { ProgramProfile } from './profile-parts.ts'
import type { LatencyResult } from './latency.ts'

/** What `--json` writes. */
export interface Results {
  /** Of the day. */
  readonly date: string
  /** What was called. */
  readonly command: string
  readonly machine: Machine
  readonly rounds: number
  readonly workloads: readonly WorkloadResult[]
  readonly profiles?: readonly ProfileResult[]
  readonly latencies?: readonly LatencyResult[]
  readonly heap?: readonly HeapRuns[]
}

export interface WorkloadResult {
  readonly name: string
  readonly title: string
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

/** How many times as fast `name` was as `against`, of each round. Nothing where one of them did not run. */
export function ratios({ programs }: WorkloadResult, name: ProgramName, against: ProgramName): readonly number[] {
  const one = programs.find((program) => program.name === name)?.runs ?? []
  const other = programs.find((program) => program.name === against)?.runs ?? []
  return one.slice(0, other.length).map(({ recordsPerSecond }, round) => recordsPerSecond / (other[round] as RunResult).recordsPerSecond)
}
