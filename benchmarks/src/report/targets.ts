import type { Target } from '../harness/comparison.ts'
import type { Measured } from '../harness/measure.ts'
import { against, figure } from './figures.ts'

const MISSED = 1

/** What became of a target that was measured. */
export interface TargetResult {
  readonly says: string
  readonly reached: boolean
  readonly measured: string
}

/** The targets whose rows were measured. */
export function targetResults(targets: readonly Target[], all: readonly Measured[]): TargetResult[] {
  const results: TargetResult[] = []
  for (const { comparison, row, maxTimeRatio, maxCpuRatio, maxMicros, maxThreadMicros, timesFaster, says } of targets) {
    const rows = all.find((one) => one.comparison === comparison)?.rows
    const found = rows?.find(({ name }) => name === row)
    if (found === undefined) continue
    if (timesFaster !== undefined) {
      const other = rows?.find(({ name }) => name === timesFaster.than)
      if (other === undefined) continue
      const times = other.micros.median / found.micros.median
      results.push({ says, reached: times >= timesFaster.least, measured: `${figure(times)} times` })
      continue
    }
    const { timeRatio, cpuRatio, micros, threadMicros } = found
    const reached =
      timeRatio.median <= (maxTimeRatio ?? Infinity) &&
      cpuRatio.upperLimit <= (maxCpuRatio ?? Infinity) &&
      micros.median <= (maxMicros ?? Infinity) &&
      threadMicros.median <= (maxThreadMicros ?? Infinity)
    const taken = maxThreadMicros === undefined ? micros : threadMicros
    const time = maxTimeRatio === undefined ? `${figure(taken.median)} us` : against(timeRatio.median)
    const measured = maxCpuRatio === undefined ? time : cpu(cpuRatio)
    results.push({ says, reached, measured })
  }
  return results
}

export function targetLines(results: readonly TargetResult[]): string {
  return results.map(({ says, reached, measured }) => `${reached ? 'reached    ' : 'NOT REACHED'}  ${says}: ${measured}\n`).join('')
}

/** `strict`: a target that is not reached is a failure. */
export function exitCodeFor(targets: readonly TargetResult[], strict: boolean): number {
  return strict && targets.some(({ reached }) => !reached) ? MISSED : 0
}

function cpu({ median, upperLimit }: { readonly median: number; readonly upperLimit: number }): string {
  const more = (ratio: number) => `${((ratio - 1) * 100).toFixed(1)} %`
  return `${more(median)}, with 95 % of confidence no more than ${more(upperLimit)}`
}
