import type { Program } from '../programs/programs.ts'
import type { Workload } from '../workloads.ts'
import { type RunResult, runOnce } from './run-once.ts'
import type { Surroundings } from './surroundings.ts'

/** All runs of one program. */
export interface ProgramRuns {
  readonly program: Program
  /** One a round. */
  readonly runs: RunResult[]
}

export interface MeasureOptions {
  readonly programs: readonly Program[]
  readonly rounds: number
  readonly surroundings: Surroundings
  /** Told each result. */
  readonly onRun: (program: Program, result: RunResult) => void
}

/** Runs programs in turns: each round runs each once, beginning with another, so that what the machine does meanwhile meets all. */
export async function measureWorkload(
  workload: Workload,
  { programs, rounds, surroundings, onRun }: MeasureOptions,
): Promise<ProgramRuns[]> {
  const all = programs.map((program): ProgramRuns => ({ program, runs: [] }))
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < all.length; i++) {
      const { program, runs } = all[(round + i) % all.length] as ProgramRuns
      const result = await runOnce(program, workload, surroundings)
      runs.push(result)
      onRun(program, result)
    }
  }
  return all
}
