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
  get now(): Omit<MemoryReport, 'rssBytes' | 'liveBytes'> {
    return this.reports.at(-1) ?? { processed: 0, committed: 0, tasksGiven: 0, tasksTaken: 0 }
  }
}

/** What a run had of memory, in MiB. */
export interface Memory {
  /** The highest resident memory. */
  readonly highest: number
  /**
   * By how much resident memory rose from the first third of the reports to the last: what three quarters of the reports of each third are above.
   * Garbage that waits for its collection goes up and down, what is kept for good does not.
   */
  readonly rise: number
  /** By how much that rose which was left after a collection: the least of the second half over the least of the first. */
  readonly liveRise: number
  /** How often there was a collection. */
  readonly weighed: number
}

export function memoryOf(reports: readonly MemoryReport[]): Memory {
  const sizes = reports.map(({ rssBytes }) => rssBytes / MEBIBYTE)
  const third = Math.floor(sizes.length / 3)
  const live = reports.flatMap(({ liveBytes }) => (liveBytes === undefined ? [] : [liveBytes / MEBIBYTE]))
  const half = live.length >> 1
  return {
    highest: Math.max(...sizes),
    rise: lowQuarter(sizes.slice(-third)) - lowQuarter(sizes.slice(0, third)),
    liveRise: Math.min(...live.slice(half)) - Math.min(...live.slice(0, half)),
    weighed: live.length,
  }
}

function lowQuarter(sizes: readonly number[]): number {
  return sizes.toSorted((a, b) => a - b)[Math.floor(sizes.length / 4)] as number
}
