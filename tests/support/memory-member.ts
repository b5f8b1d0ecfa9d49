import { ChildProgram } from './child-program.ts'
import type { MemoryConfig, MemoryReport } from './memory-messages.ts'

const MEBIBYTE = 1024 * 1024

/** A program that tells how much memory it has, in a process of its own. */
export class MemoryMember extends ChildProgram<MemoryReport> {
  readonly reports: MemoryReport[]

  constructor(config: MemoryConfig) {
    const reports: MemoryReport[] = []
    super('memory-member', config, (report) => reports.push(report))
    this.reports = reports
  }

  /** What it told last. */
  get now(): Pick<MemoryReport, 'processed' | 'committed'> {
    return this.reports.at(-1) ?? { processed: 0, committed: 0 }
  }
}

/** The highest resident memory, and by how much its trend rose over the reports; both in MiB. */
export function memoryOf(reports: readonly MemoryReport[]): { readonly highest: number; readonly rise: number } {
  const times = reports.map(({ atMs }) => atMs)
  const sizes = reports.map(({ rssBytes }) => rssBytes / MEBIBYTE)
  const meanTime = mean(times)
  const meanSize = mean(sizes)
  let covariance = 0
  let variance = 0
  for (const [i, time] of times.entries()) {
    covariance += (time - meanTime) * ((sizes[i] as number) - meanSize)
    variance += (time - meanTime) ** 2
  }
  const slope = covariance / variance
  return { highest: Math.max(...sizes), rise: slope * ((times.at(-1) ?? 0) - (times[0] ?? 0)) }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
