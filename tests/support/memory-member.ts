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
  /** By how much resident memory rose over all reports, by the slope fitted to them. Garbage that waits for its collection goes up and down, what is kept for good does not. */
  readonly rise: number
  /** By how much that rose which was left after a collection: the least of the second half over the least of the first. */
  readonly liveRise: number
  /** How often there was a collection. */
  readonly weighed: number
}

export function memoryOf(reports: readonly MemoryReport[]): Memory {
  const sizes = reports.map(({ rssBytes }) => rssBytes / MEBIBYTE)
  const live = reports.flatMap(({ liveBytes }) => (liveBytes === undefined ? [] : [liveBytes / MEBIBYTE]))
  const half = live.length >> 1
  return {
    highest: Math.max(...sizes),
    rise: fittedRise(sizes),
    liveRise: Math.min(...live.slice(half)) - Math.min(...live.slice(0, half)),
    weighed: live.length,
  }
}

/** By how much a line through the sizes rises from the first to the last: the median of the slopes between any two, which peaks don't move (Theil and Sen). */
export function fittedRise(sizes: readonly number[]): number {
  const slopes = sizes.flatMap((later, at) => sizes.slice(0, at).map((earlier, before) => (later - earlier) / (at - before)))
  const sorted = slopes.toSorted((a, b) => a - b)
  return (sorted[sorted.length >> 1] ?? 0) * (sizes.length - 1)
}
