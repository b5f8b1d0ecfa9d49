import type { Target } from '../harness/comparison.ts'
import type { Measured } from '../harness/measure.ts'
import { against, figure } from './figures.ts'

/** What became of a target that was measured. */
export interface TargetResult {
  readonly says: string
  readonly reached: boolean
  readonly measured: string
}

/** The targets whose rows were measured. */
export function targetResults(targets: readonly Target[], all: readonly Measured[]): TargetResult[] {
  const results: TargetResult[] = []
  for (const { comparison, row, maxTimeRatio, maxMicros, maxThreadMicros, says } of targets) {
    const found = all.find((one) => one.comparison === comparison)?.rows.find(({ name }) => name === row)
    if (found === undefined) continue
    const { timeRatio, micros, threadMicros } = found
    const reached =
      timeRatio.median <= (maxTimeRatio ?? Infinity) &&
      micros.median <= (maxMicros ?? Infinity) &&
      threadMicros.median <= (maxThreadMicros ?? Infinity)
    const taken = maxThreadMicros === undefined ? micros : threadMicros
    const measured = maxTimeRatio === undefined ? `${figure(taken.median)} us` : against(timeRatio.median)
    results.push({ says, reached, measured })
  }
  return results
}

export function targetLines(results: readonly TargetResult[]): string {
  return results.map(({ says, reached, measured }) => `${reached ? 'reached    ' : 'NOT REACHED'}  ${says}: ${measured}\n`).join('')
}
