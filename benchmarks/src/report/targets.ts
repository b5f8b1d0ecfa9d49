import type { Target } from '../harness/comparison.ts'
import type { Measured, Row } from '../harness/measure.ts'
import { against, figure } from './figures.ts'

/** What became of a target that was measured. */
export interface TargetResult {
  readonly says: string
  readonly reached: boolean
  readonly measured: string
}

type Limits = Omit<Target, 'comparison' | 'row' | 'says'>

/** The targets whose rows were measured. */
export function targetResults(targets: readonly Target[], all: readonly Measured[]): TargetResult[] {
  const results: TargetResult[] = []
  for (const { comparison, row, says, ...target } of targets) {
    const found = all.find((one) => one.comparison === comparison)?.rows.find(({ name }) => name === row)
    if (found === undefined) continue
    results.push({ says, ...resultOf(target, found) })
  }
  return results
}

function resultOf({ maxTimeRatio, maxCpuRatio, maxMicros, maxThreadMicros }: Limits, row: Row): Omit<TargetResult, 'says'> {
  const { timeRatio, cpuRatio, micros, threadMicros } = row
  const reached =
    timeRatio.median <= (maxTimeRatio ?? Infinity) &&
    cpuRatio.upperLimit <= (maxCpuRatio ?? Infinity) &&
    micros.median <= (maxMicros ?? Infinity) &&
    threadMicros.median <= (maxThreadMicros ?? Infinity)
  if (maxCpuRatio !== undefined) return { reached, measured: cpu(cpuRatio) }
  if (maxTimeRatio !== undefined) return { reached, measured: against(timeRatio.median) }
  return { reached, measured: `${figure((maxThreadMicros === undefined ? micros : threadMicros).median)} us` }
}

export function targetLines(results: readonly TargetResult[]): string {
  return results.map(({ says, reached, measured }) => `${reached ? 'reached    ' : 'NOT REACHED'}  ${says}: ${measured}\n`).join('')
}

function cpu({ median, upperLimit }: { readonly median: number; readonly upperLimit: number }): string {
  const more = (ratio: number) => `${((ratio - 1) * 100).toFixed(1)} %`
  return `${more(median)}, with 95 % of confidence no more than ${more(upperLimit)}`
}
