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

/**
 * The highest resident memory, and by how much it rose from the first third of the reports to the last, both in MiB. What is compared is what a quarter
 * of the reports of each third are below: garbage that waits for its collection goes up and down, what is kept for good does not.
 */
export function memoryOf(reports: readonly MemoryReport[]): { readonly highest: number; readonly rise: number } {
  const sizes = reports.map(({ rssBytes }) => rssBytes / MEBIBYTE)
  const third = Math.floor(sizes.length / 3)
  return { highest: Math.max(...sizes), rise: lowQuarter(sizes.slice(-third)) - lowQuarter(sizes.slice(0, third)) }
}

function lowQuarter(sizes: readonly number[]): number {
  return sizes.toSorted((a, b) => a - b)[Math.floor(sizes.length / 4)] as number
}
