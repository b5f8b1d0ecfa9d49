import { summarise } from '../../harness/summary.ts'
import type { ProgramName } from '../programs/programs.ts'
import type { HeapRuns } from '../run/measure-heaps.ts'
import { type BoundResult, ratio } from './bound-result.ts'
import type { PlainTable } from '../../report/plain-table.ts'

const MEGABYTE = 1_048_576
/** Of its best throughput: a heap in which a program does as well is large enough. */
const ENOUGH = 0.95

interface HeapFigures {
  readonly program: ProgramName
  readonly title: string
  readonly heapMb?: number | undefined
  readonly rate: number
  readonly peakMb: number | undefined
}

function figuresOf(all: readonly HeapRuns[]): HeapFigures[] {
  return all
    .filter(({ runs }) => runs.length > 0)
    .map(({ program, title, heapMb, runs }) => {
      const peaks = runs.map(({ peakBytes }) => peakBytes).filter((bytes) => bytes !== undefined)
      return {
        program,
        title,
        heapMb,
        rate: summarise(runs.map(({ recordsPerSecond }) => recordsPerSecond)).median,
        peakMb: peaks.length === 0 ? undefined : summarise(peaks).median / MEGABYTE,
      }
    })
}

function best(figures: readonly HeapFigures[], of: ProgramName): number {
  return Math.max(...figures.filter(({ program }) => program === of).map(({ rate }) => rate))
}

/** The smallest heap in which a program reaches 95 % of its best throughput; undefined where none was measured. */
export function smallestHeap(all: readonly HeapRuns[], of: ProgramName): HeapFigures | undefined {
  const figures = figuresOf(all)
  const least = ENOUGH * best(figures, of)
  const size = ({ heapMb = Infinity }: HeapFigures) => heapMb
  return figures.filter(({ program, rate }) => program === of && rate >= least).toSorted((a, b) => size(a) - size(b))[0]
}

export function heapTable(all: readonly HeapRuns[]): PlainTable {
  const figures = figuresOf(all)
  const smallest = new Set(figures.map(({ program }) => program).map((program) => smallestHeap(all, program)?.title))
  const failed = all.filter(({ failure }) => failure !== undefined).map(({ title }) => [title, 'does not do it', '', '', ''])
  return {
    title: `Memory, workload (a): median of ${Math.max(...all.map(({ runs }) => runs.length))} runs`,
    head: ['', 'records/s', 'of its best', 'peak MB', 'smallest with 95 % of its best'],
    rows: [
      ...figures.map(({ program, title, rate, peakMb }) => [
        title,
        Math.round(rate).toLocaleString('en'),
        ratio(rate / best(figures, program)),
        peakMb === undefined ? '-' : Math.round(peakMb).toLocaleString('en'),
        smallest.has(title) ? 'yes' : '',
      ]),
      ...failed,
    ],
  }
}

/** Whether Millrace as it runs has no more memory than Kafka Streams in that heap; nothing where that can't be told. */
export function heapBound(all: readonly HeapRuns[]): BoundResult[] {
  const smallest = smallestHeap(all, 'kafka-streams')
  const own = figuresOf(all).find(({ program, heapMb }) => program === 'millrace' && heapMb === undefined)
  if (smallest?.peakMb === undefined || own?.peakMb === undefined) return []
  return [
    {
      says: "memory: in Node's default heap no more than Kafka Streams in the smallest heap that gives it 95 % of its best throughput",
      reached: own.peakMb <= smallest.peakMb,
      measured: `${Math.round(own.peakMb)} MB, Kafka Streams ${Math.round(smallest.peakMb)} MB in a heap of ${smallest.heapMb} MiB`,
    },
  ]
}
